"""Follow an instance until it has ended; exit 0 where it succeeded, else 1.

On a terminal the tree of `onceflow show` is drawn again and again; elsewhere, and with --json, each
transition is a line: of an instance with blocks without the claims, which have no number.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from rich.live import Live

from ..calls.base import Connection
from ..calls.logs import BEGIN
from ..settings import Settings
from .arguments import add_instance, add_json, seconds
from .bodies import log_entry
from .database import (
    Row,
    find_instance,
    list_further_transitions,
    list_transitions,
    open_database,
    whole_id,
)
from .drawing.picture import Picture, read_picture
from .drawing.tree import draw, log_line
from .output import print_json_line
from .terminal.console import open_console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser)
    parser.add_argument(
        "--interval", type=seconds, default=0.5, metavar="SECONDS", help="between two looks (0.5)"
    )
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        instance = whole_id(conn, args.instance)
        if args.json or not sys.stdout.isatty():
            state = _follow_log(conn, instance, args.interval, as_json=args.json)
        else:
            state = redraw(partial(read_picture, conn, instance), args.interval)
    return 0 if state == "SUCCEEDED" else 1


def redraw(read: Callable[[], Picture], interval: float) -> str:
    """Draw an instance again and again until it has ended; return its state."""
    picture = read()
    with Live(draw(picture), console=open_console(), auto_refresh=False) as live:
        while picture.instance["ended_at"] is None:
            time.sleep(interval)
            picture = read()
            live.update(draw(picture), refresh=True)
    return picture.instance["status"]


def _follow_log(conn: Connection, instance_id: UUID, interval: float, *, as_json: bool) -> str:
    """Print each transition once. The log is read after the state, so that the end is in it."""
    printed: set[tuple[object, ...]] = set()
    last = BEGIN
    while True:
        instance = find_instance(conn, instance_id)
        if instance["scopes"]:
            # Its log may be of any length: each entry is read once, along the index.
            entries, more = list_further_transitions(conn, instance_id, last)
            last = (entries[-1]["seq"], entries[-1]["n"]) if entries else last
        else:
            entries, more = list_transitions(conn, instance_id), False
        for entry in entries:
            if _identity(entry) in printed:
                continue
            printed.add(_identity(entry))
            if as_json:
                print_json_line(log_entry(entry))
            else:
                print(log_line(entry), flush=True)
        if more:
            continue
        if instance["ended_at"] is not None:
            return instance["status"]
        time.sleep(interval)


def _identity(entry: Row) -> tuple[object, ...]:
    return (
        entry["seq"],
        entry["n"],
        entry["path"],
        entry["attempt"],
        entry["state"],
        entry["worker_id"],
        entry["at"],
    )
