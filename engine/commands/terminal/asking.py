"""Asks before what cannot be undone: on a terminal by a question, elsewhere by ``--yes``.

A script is never kept waiting: where nobody sits at a terminal nothing is done without ``--yes``.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from ...errors import OnceflowError

NAMED: Final = 10
"""Of so many things that are decided at once each is named."""


class Declined(OnceflowError):
    """Whoever was asked did not say yes."""


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add ``--yes``."""
    parser.add_argument(
        "--yes",
        action="store_true",
        help="do not ask; without a terminal to ask at nothing is done unless it is given",
    )


def ask(args: argparse.Namespace, verb: str, what: str, names: Sequence[str]) -> None:
    """Ask whether to do so to these; return where the answer is yes. Raises Declined.

    ``what`` is what one of them is called.
    """
    if args.yes or not names:
        return
    count = f"this {what}" if len(names) == 1 else f"these {len(names):,} {what}s"
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise Declined(
            f"whether to {verb} {count} is asked at a terminal, and this is none; "
            "nothing was changed",
            hint="give --yes",
        )
    for name in names[:NAMED]:
        print(f"  {name}", file=sys.stderr)
    if len(names) > NAMED:
        print(f"  and {len(names) - NAMED:,} more", file=sys.stderr)
    print(f"{verb.capitalize()} {count}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Declined("nothing was changed")
