"""Retention: drop the weeks of which every instance has ended so many days ago.

Tasks, log and idempotency keys go with them. It works in small pieces, and waits for the locks on
the tables in moments of 50 ms, so that nothing stands behind it; what is held for long by another
is named. Run it again at any time: it goes on where it ended.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ...calls import DroppedPartitions, drop_partitions
from ...errors import Refused
from ...settings import Settings
from ..arguments import seconds
from ..database import open_database

PAUSE, PAUSE_AT_MOST = 0.05, 1.0
"""Seconds between two tries for the locks: in these all others go on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("days", type=float, metavar="DAYS", help="how many days are kept")
    parser.add_argument(
        "--wait",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="how long to try for the locks on the tables of a week, where others hold them (60)",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    before = datetime.now(UTC) - timedelta(days=args.days)
    weeks = 0
    with open_database(settings) as conn:
        while (done := _piece(conn, before, args.wait)) is not None:
            if done.dropped:
                weeks += 1
                print(f"dropped {', '.join(done.dropped)}")
    print(f"{weeks} weeks were dropped")
    return 0


def _piece(
    conn: psycopg.Connection[Any], before: datetime, patience: float
) -> DroppedPartitions | None:
    """Do what a call does; where others hold the locks try again until patience ends."""
    deadline, pause = time.monotonic() + patience, PAUSE
    while True:
        done = drop_partitions(conn, before)
        if done is None or done.waits_for is None:
            return done
        if time.monotonic() >= deadline:
            raise Refused(
                f"the week of {done.week} could not be dropped within {patience:g} s: its tables "
                f"are held by {done.waits_for}",
                hint="end what holds them (pg_terminate_backend), or run this again later",
            )
        time.sleep(pause)
        pause = min(pause * 2, PAUSE_AT_MOST)
