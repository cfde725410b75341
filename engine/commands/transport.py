"""Switch how messages travel to workers: over Kafka, or straight out of Postgres, without a broker.

Stop the workers first; then run this; then start workers and relays with ONCEFLOW_TRANSPORT set to
the new transport. Tasks whose messages only the old one holds are shipped again. Run again, it
finishes what was broken off.
"""

import argparse

from ..calls.transport import switch
from ..settings import TRANSPORTS, Settings
from .database import open_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("transport", choices=TRANSPORTS, help="the transport from now on")
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long to wait for workers to end, where some are live (0)",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        shipped = switch(conn, args.transport, args.wait)
    print(f"messages travel by {args.transport}; {shipped} tasks were shipped again")
    return 0
