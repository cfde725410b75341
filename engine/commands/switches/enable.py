"""Let instances of workflows start again that were disabled.

Exits 1 where there is no such workflow.
"""

import argparse

from ...calls import enable_workflows
from ...settings import Settings
from ..arguments import add_json
from ..database import open_database
from ..output import print_named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("workflows", nargs="+", metavar="NAME", help="a workflow's name")
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        decisions = enable_workflows(conn, args.workflows)
    return print_named(decisions, as_json=args.json)
