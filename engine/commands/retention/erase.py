"""Erase the payloads of instances that have ended: inputs, outputs, what errors say.

That they ran, when, and how they ended stays; so does the idempotency key, which still finds its
instance. Children go with the first of their family. It cannot be undone, so it asks before, unless
--yes. Exits 1 where one was refused, and says what to do.
"""

import argparse
import getpass

from ...calls import erase_instances
from ...settings import Settings
from ..arguments import add_instance, add_json
from ..database import open_database, whole_ids
from ..output import print_decisions
from ..terminal.asking import add_yes, ask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser, many=True)
    parser.add_argument(
        "--by", metavar="NAME", help="who wants it, which the instance keeps (you, as you log in)"
    )
    add_yes(parser)
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        ids = whole_ids(conn, args.instances)
        ask(args, "erase the payloads of", "instance", [str(one) for one in ids])
        decisions = erase_instances(conn, ids, args.by or _user())
    return print_decisions(decisions, as_json=args.json)


def _user() -> str | None:
    """Return who runs this; None where the machine has no name for him."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
