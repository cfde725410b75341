"""Fail a deferred task from outside.

TOKEN is what the handler that returned Later had as Context.token. The task is tried again as its
policy says, unless --permanent. Exits 1 where the attempt is over.
"""

import argparse

from ..calls import fail_deferred_tasks
from ..settings import Settings
from .arguments import add_json
from .database import open_database
from .output import print_answered_token


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("token", metavar="TOKEN")
    parser.add_argument("--code", required=True, help="of the error, such as bank.refused")
    parser.add_argument("--message", default="", help="of the error, for people")
    parser.add_argument("--permanent", action="store_true", help="do not try again")
    parser.add_argument(
        "--unknown", action="store_true", help="the effect may have happened all the same"
    )
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    error = {"code": args.code, "message": args.message}
    if args.unknown:
        error["unknown"] = True
    with open_database(settings) as conn:
        (answered,) = fail_deferred_tasks(conn, [args.token], [error], [not args.permanent])
    return print_answered_token(answered, as_json=args.json)
