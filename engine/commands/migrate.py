"""Bring the database to the schema of this release.

Safe to run at any time, any number of times and side by side: it applies what is missing, and the
functions and views again. A schema of a newer release is refused.
"""

import argparse
import json

from ..migrate import migrate
from ..pool import place_of
from ..settings import Settings

KINDS = ("worker", "relay", "client", "operator")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for Postgres, and for locks (60)",
    )
    parser.add_argument(
        "--grant",
        dest="grants",
        type=_grant,
        action="append",
        default=[],
        metavar="ROLE=KIND",
        help="let a role do the work of a worker, relay, client or operator (may be repeated)",
    )
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace, settings: Settings) -> int:
    done = migrate(settings, wait=args.wait, patience=args.wait, grants=args.grants)
    if args.json:
        print(json.dumps({"applied": done.applied, "functions": done.functions}))
    else:
        what = ", ".join(done.applied) if done.applied else "no migration was missing"
        print(f"{place_of(settings.dsn)}: {what}; {done.functions} functions and views applied")
    return 0


def _grant(text: str) -> tuple[str, str]:
    role, _, kind = text.rpartition("=")
    if not role or kind not in KINDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no ROLE=KIND: name a role of Postgres and one of {', '.join(KINDS)}"
        )
    return role, kind
