"""Complete a deferred task from outside.

TOKEN is what the handler that returned Later had as Context.token. Exits 1 where the attempt is
over.
"""

import argparse

from ..calls import complete_deferred_tasks
from ..settings import Settings
from .arguments import INPUT_HELP, add_json, read_json
from .database import open_database
from .output import print_answered_token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("token", metavar="TOKEN")
    parser.add_argument(
        "--output", metavar="JSON", default="null", help=f"the task's output: {INPUT_HELP} (null)"
    )
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    output = read_json(args.output, "the output")
    with open_database(settings) as conn:
        (answered,) = complete_deferred_tasks(conn, [args.token], [output])
    return print_answered_token(answered, as_json=args.json)
