"""Who changed what, the latest first: all but starts, signals and what workers do.

--csv and --json-lines print as many as --limit says, however many, as they are read.
"""

import argparse
from collections.abc import Generator
from itertools import islice

import msgspec

from .. import json_text
from ..calls import audit
from ..calls.base import Connection
from ..calls.reads import LOOKED_AT, json_rows
from ..csv_text import csv_of
from ..settings import Settings
from .arguments import add_json, offset_time, positive
from .bodies import body, bounded_page
from .database import Row, open_database
from .output import clock_text, one_line, print_json, print_json_line
from .terminal.console import print_table

PORTION = 1000
"""Entries that are read at once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--actor", metavar="WHO", help="who acted: an actor, or a login")
    parser.add_argument("--target", metavar="ID", help="of what: its id or name")
    parser.add_argument("--verb", help="such as cancel_instances")
    parser.add_argument("--kind", help="of what kind: instance, workflow, queue, …")
    parser.add_argument("--after", type=offset_time, metavar="TIME", help="from then on")
    parser.add_argument("--until", type=offset_time, metavar="TIME", help="before then")
    parser.add_argument("--limit", type=positive, default=50, metavar="N", help="at most N (50)")
    parser.add_argument(
        "--before", type=positive, metavar="ID", help="before this entry: the last of the page"
    )
    lines = parser.add_mutually_exclusive_group()
    lines.add_argument("--csv", action="store_true", help="print CSV, for spreadsheets")
    lines.add_argument("--json-lines", action="store_true", help="print JSON, an entry a line")
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    limit: int = args.limit
    wanted = audit.AuditFilter(
        actor=args.actor,
        target=args.target,
        verb=args.verb,
        kind=args.kind,
        after=args.after,
        until=args.until,
        before=args.before,
    )
    with open_database(settings) as conn:
        if args.csv or args.json_lines:
            for number, row in enumerate(islice(_entries(conn, wanted), limit)):
                if args.json_lines:
                    print_json_line(body(row))
                else:
                    print(csv_of(list(row), [row], head=number == 0), end="")
            return 0
        rows = json_rows(conn, audit.list_audit(audit.ENTRY, wanted, limit + 1))
        last = _last_looked_at(conn, wanted) if len(rows) <= limit else rows[limit - 1]["id"]
    rows = rows[:limit]
    if args.json:
        stopped = last is not None and len(rows) < limit
        following = None if last is None else str(last)
        print_json(bounded_page(rows, following, LOOKED_AT if stopped else None))
        return 0
    _print(rows)
    if last is not None and len(rows) < limit:
        print(f"(of {LOOKED_AT} looked at no more fit; to look on: --before {last})")
    elif last is not None:
        print(f"(more follow: --before {last})")
    return 0


def _entries(conn: Connection, wanted: audit.AuditFilter) -> Generator[Row]:
    """Read all that match, in portions."""
    last = wanted.before
    while True:
        portion = msgspec.structs.replace(wanted, before=last)
        rows = json_rows(conn, audit.list_audit(audit.ENTRY, portion, PORTION))
        yield from rows
        last = rows[-1]["id"] if len(rows) == PORTION else _last_looked_at(conn, portion)
        if last is None:
            return


def _last_looked_at(conn: Connection, wanted: audit.AuditFilter) -> int | None:
    if wanted.is_served:
        return None
    found = json_rows(conn, audit.last_looked_at(wanted))
    return found[0]["id"] if found else None


def _print(rows: list[Row]) -> None:
    if not rows:
        print("nothing was changed that matches")
        return
    print_table(
        ("ID", "WHEN", "WHO", "FROM", "DID", "OF", "AFTER"),
        (
            (
                str(row["id"]),
                clock_text(row["at"]),
                one_line(row["who"]),
                row["address"] or "",
                row["verb"],
                one_line("/".join(filter(None, (row["target"], row["part"]))))
                + (f" and {row['count'] - 1} more" if row["count"] > 1 else ""),
                "" if row["after"] is None else one_line(json_text.encode(row["after"])),
            )
            for row in rows
        ),
    )
