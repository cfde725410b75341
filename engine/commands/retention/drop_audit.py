"""Drop what the audit has of more than so many days ago; the last 30 days stay in any case.

It works in small pieces, each of which is an entry of the audit itself. Run it again at any time.
"""

import argparse
from datetime import UTC, datetime, timedelta

from ...calls import drop_audit
from ...settings import Settings
from ..database import open_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("days", type=float, metavar="DAYS", help="how many days are kept")


def run(args: argparse.Namespace, settings: Settings) -> int:
    before = datetime.now(UTC) - timedelta(days=args.days)
    total = 0
    with open_database(settings) as conn:
        while dropped := drop_audit(conn, before):
            total += dropped
    print(f"{total} entries were dropped")
    return 0
