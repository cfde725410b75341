"""Show an instance: its steps as a tree, with attempts, errors and what was undone."""

import argparse
from uuid import UUID

from ..calls.base import Connection
from ..sessions import steady
from ..settings import Settings
from .arguments import add_instance, add_json
from .bodies import body, log_entry
from .database import (
    find_instance,
    find_version,
    list_not_reached,
    list_tasks,
    list_transitions,
    open_database,
    whole_id,
)
from .drawing import Picture, draw, log_line
from .output import open_console, print_json
from .terminal.spans import spans_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser)
    parser.add_argument("--log", action="store_true", help="add the task log: every transition")
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        picture = read_picture(conn, whole_id(conn, args.instance))
    if args.json:
        log = picture.log_by_task()
        tasks = [{**body(task), **spans_of(log[task["task"]])._asdict()} for task in picture.tasks]
        print_json(
            {
                **body(picture.instance),
                "tasks": tasks,
                "not_reached": picture.not_reached,
                "log": [log_entry(entry) for entry in picture.log],
                "truncated": False,
            }
        )
        return 0
    open_console().print(draw(picture))
    if args.log:
        for entry in picture.log:
            print(log_line(entry))
    return 0


def read_picture(conn: Connection, instance_id: UUID) -> Picture:
    """Read an instance at one moment. Raises NotFound."""
    with steady(conn, snapshot=True):
        instance = find_instance(conn, instance_id)
        version = find_version(conn, instance["workflow"], instance["version"])
        return Picture(
            instance,
            version["definition"],
            list_tasks(conn, instance_id),
            list_not_reached(conn, instance_id),
            list_transitions(conn, instance_id),
        )
