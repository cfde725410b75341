"""List instances, the newest first.

Children of others are among them where --parent, --workflow, --key, --input, --label or
--suspended is given.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from ..calls.reads import LOOKED_AT, InstanceFilter
from ..calls.search import by_labels
from ..settings import Settings
from .arguments import add_json, add_labels, instance_id, positive
from .bodies import bounded_page
from .database import Row, last_looked_at, list_instances, open_database, whole_id
from .output import clock_text, error_text, print_json, print_more, span_text, suspension
from .terminal.console import print_table, state_text

STATES = (
    "RUNNING",
    "CLOSING",
    "COMPENSATING",
    "SUCCEEDED",
    "FAILED",
    "COMPENSATED",
    "CANCELLED",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workflow", metavar="NAME", help="of this workflow alone")
    parser.add_argument(
        "--state",
        action="append",
        type=str.upper,
        choices=STATES,
        metavar="STATE",
        help=f"in this state (may be repeated): {', '.join(STATES)}",
    )
    parser.add_argument("--suspended", action="store_true", help="suspended ones alone")
    parser.add_argument("--key", help="started with this idempotency key")
    parser.add_argument(
        "--parent", type=instance_id, metavar="ID", help="children of this one, in no order"
    )
    parser.add_argument(
        "--input",
        action="append",
        type=_field,
        default=[],
        metavar="FIELD=VALUE",
        help="whose input has this value, order=O-36 (may be repeated): of fields that their "
        "workflow lists under `search`",
    )
    add_labels(parser, "that has this label, customer=ACME (may be repeated)")
    parser.add_argument("--limit", type=positive, default=20, metavar="N", help="at most N (20)")
    parser.add_argument(
        "--before",
        type=instance_id,
        metavar="ID",
        help="older than this one: the last of the page before",
    )
    add_json(parser)


def _field(text: str) -> tuple[str, str]:
    """Read ``FIELD=VALUE``."""
    field, equals, value = text.partition("=")
    if not equals or not field:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE, such as order=O-36")
    return field.removeprefix("$.").removeprefix("input."), value


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        wanted = InstanceFilter(
            workflow=args.workflow,
            states=args.state,
            suspended=True if args.suspended else None,
            key=args.key,
            parent=None if args.parent is None else whole_id(conn, args.parent),
            fields={**dict(args.input), **by_labels(dict(args.label))},
            before=None if args.before is None else whole_id(conn, args.before),
        )
        limit: int = args.limit
        rows = list_instances(conn, wanted, limit + 1)
        last = last_looked_at(conn, wanted)
    if last is not None:  # further down not every version was looked at
        rows = [row for row in rows if row["id"] >= str(last)]
    following: str | None = None if last is None else str(last)
    if len(rows) > limit:
        following, last = rows[limit - 1]["id"], None
    more = "" if following is None else f"--before {following}"
    looked_at = None if last is None else LOOKED_AT
    if args.json:
        print_json(bounded_page(rows[:limit], following, looked_at))
    else:
        print_instances(rows[:limit], more, looked_at)
    return 0


def print_instances(rows: Sequence[Row], more: str, looked_at: int | None) -> None:
    """Print instances; ``more`` and ``looked_at`` as ``print_more`` takes them."""
    if rows:
        print_table(
            ("ID", "WORKFLOW", "STATE", "STARTED", "TOOK", "OPEN", "NOTE"),
            (
                (
                    row["id"],
                    f"{row['workflow']} v{row['version']}",
                    state_text(row["status"]),
                    clock_text(row["started_at"]),
                    span_text(row["started_at"], row["ended_at"]),
                    str(row["open_tasks"] or ""),
                    _note(row),
                )
                for row in rows
            ),
        )
    else:
        print("no instance matches")
    print_more(more, looked_at)


def _note(row: Row) -> str:
    """Return by what a person knows it, and what is the matter with it."""
    matter = error_text(row["error"])
    if row["suspended_at"] is not None:
        matter = suspension(row["suspended_by"])
    elif row["start_at"] is not None and datetime.fromisoformat(row["start_at"]) > datetime.now(
        UTC
    ):
        matter = f"starts {clock_text(row['start_at'])}"
    key = f"key {row['key']}" if row["key"] is not None else ""
    above = f"for {row['parent_task']} of {row['parent']}" if row["parent"] is not None else ""
    return ", ".join(filter(None, (key, above, matter)))
