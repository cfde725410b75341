"""List the versions of a workflow, the latest first, with how many instances of each are open.

A version with open instances is one that workers have to go on serving.
"""

import argparse

from ..calls.reads import json_rows, list_versions
from ..settings import Settings
from .arguments import add_json, positive
from .database import find_version, open_database
from .output import clock_text, print_json, print_table

VERSION = "name, version, created_at, open_instances, oldest_open"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("workflow", metavar="WORKFLOW", help="its name or id")
    parser.add_argument("--open", action="store_true", help="those with open instances alone")
    parser.add_argument("--limit", type=positive, default=50, metavar="N", help="at most N (50)")
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        name = find_version(conn, args.workflow)["name"]
        rows = json_rows(conn, list_versions(VERSION, name, args.limit, only_open=args.open))
    if args.json:
        print_json(rows)
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
    else:
        print(f"no version of {name} has open instances")
    return 0
