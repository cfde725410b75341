"""Hold instances back until they are resumed.

What runs is finished and its answer recorded; nothing else is started. A failure follows its policy
all the same, and what is to be undone then waits for the resume. Exits 1 where one could not be
suspended, and says why.
"""

import argparse

from ..calls import suspend_instances
from ..settings import Settings
from .arguments import add_instance, add_json
from .database import open_database, whole_ids
from .output import print_decisions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser, many=True)
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        decisions = suspend_instances(conn, whole_ids(conn, args.instances))
    return print_decisions(decisions, as_json=args.json)
