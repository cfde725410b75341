"""Pause queues, and resume them.

Of a queue that is paused nothing is given out to workers; what runs goes on, what comes due waits.
Exits 1 where there is no such queue.
"""

import argparse

from ...calls import pause_queues, resume_queues
from ...settings import Settings
from ..arguments import add_json
from ..database import open_database
from ..output import print_named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in (("pause", "give nothing of it out"), ("resume", "give out what waits")):
        one = actions.add_parser(action, help=text)
        one.add_argument("queues", nargs="+", metavar="QUEUE")
        add_json(one)


def run(args: argparse.Namespace, settings: Settings) -> int:
    decide = pause_queues if args.action == "pause" else resume_queues
    with open_database(settings) as conn:
        decisions = decide(conn, args.queues)
    return print_named(decisions, as_json=args.json)
