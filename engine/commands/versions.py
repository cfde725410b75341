"""List the versions of a workflow, the latest first, with how many instances of each are open.

A version with open instances is one that workers have to go on serving.
"""

import argparse

from ..calls.reads import json_rows, list_versions
from ..settings import Settings
from .arguments import add_json, positive
from .bodies import page
from .database import find_version, open_database
from .output import clock_text, print_json
from .terminal.console import print_table

VERSION = "workflow_id, name, version, created_at, open_instances, oldest_open"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("workflow", metavar="WORKFLOW", help="its name or id")
    parser.add_argument("--open", action="store_true", help="those with open instances alone")
    parser.add_argument(
        "--before", type=positive, default=2**31, metavar="N", help="older than version N"
    )
    parser.add_argument("--limit", type=positive, default=50, metavar="N", help="at most N (50)")
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    limit: int = args.limit
    with open_database(settings) as conn:
        name = find_version(conn, args.workflow)["name"]
        wanted = list_versions(VERSION, name, limit + 1, before=args.before, only_open=args.open)
        rows = json_rows(conn, wanted)
    following = str(rows[limit - 1]["version"]) if len(rows) > limit else None
    rows = rows[:limit]
    if args.json:
        print_json(page(rows, following))
    elif rows:
        print_table(
            ("VERSION", "REGISTERED", "OPEN", "OLDEST OPEN"),
            (
                (
                    str(row["version"]),
                    clock_text(row["created_at"]),
                    str(row["open_instances"]),
                    clock_text(row["oldest_open"]),
                )
                for row in rows
            ),
        )
        if following:
            print(f"(more follow: --before {following})")
    else:
        print(f"no version of {name} has open instances")
    return 0
