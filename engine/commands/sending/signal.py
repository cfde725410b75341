"""Send a signal to an instance: what its step `wait_for: NAME` waits for.

Where none waits for it yet it is kept until one does. With --key the same signal can be sent again
without harm. Exits 1 where it was refused, and says why.
"""

import argparse
import sys

from ...calls import Signal, send_signals
from ...calls.reads import json_rows
from ...calls.waiting import find_schema
from ...definition import check_input
from ...settings import Settings
from ..arguments import INPUT_HELP, add_instance, add_json, read_json
from ..database import open_database, whole_id
from ..output import one_line, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser)
    parser.add_argument("name", metavar="NAME", help="the name that its step waits for")
    parser.add_argument(
        "--payload",
        metavar="JSON",
        default="null",
        help=f"what the step gives: {INPUT_HELP} (null)",
    )
    parser.add_argument("--key", help="under which it is taken once, however often it is sent")
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    payload = read_json(args.payload, "the payload")
    with open_database(settings) as conn:
        instance = whole_id(conn, args.instance)
        # Of what Postgres checks itself it tells; this is for all of the schema.
        declared = json_rows(conn, find_schema(instance, args.name))
        faults = check_input(declared[0]["schema"], payload) if declared else []
        if faults:
            print("the payload does not fit the schema of the signal:", file=sys.stderr)
            for fault in faults:
                print(one_line(f"  {fault}"), file=sys.stderr)
            return 1
        (sent,) = send_signals(conn, [Signal(instance, args.name, payload, args.key)])
    if args.json:
        told = {"outcome": sent.outcome, "task": sent.task, "detail": sent.detail}
        print_json({"instance": str(instance), **told, "faults": sent.faults})
    else:
        print(f"{sent.outcome}: {sent.detail}")
    return 0 if sent.outcome in ("accepted", "repeated") else 1
