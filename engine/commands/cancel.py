"""Cancel instances.

Nothing more of them is started, what runs is told to stop and awaited, and what was done is
compensated. It asks before, unless --yes. Exits 1 where one could not be cancelled, and says why.
"""

import argparse

from ..calls import cancel_instances
from ..settings import Settings
from .arguments import add_instance, add_json
from .database import open_database, whole_ids
from .output import print_decisions
from .terminal.asking import add_yes, ask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser, many=True)
    add_yes(parser)
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        ids = whole_ids(conn, args.instances)
        ask(args, "cancel", "instance", [str(one) for one in ids])
        decisions = cancel_instances(conn, ids)
    return print_decisions(decisions, as_json=args.json)
