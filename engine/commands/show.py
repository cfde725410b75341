"""Show an instance: its steps as a tree, with attempts, errors and what was undone.

Of a block its scopes are counted, and the first of them shown: those that failed, or hold a dead
letter, before those under way. --block shows the others page by page, --scope what is in one.
"""

import argparse
from uuid import UUID

from ..calls.base import Connection
from ..calls.reads import MOST_DIGITS
from ..errors import BadArgument
from ..json_text import Json
from ..sessions import steady
from ..settings import Settings
from .arguments import add_instance, add_json, positive
from .bodies import body, log_entry
from .database import Row, open_database, whole_id
from .drawing.picture import Picture, find_block, key_of, read_page, read_picture
from .drawing.tree import draw, draw_page, log_line
from .output import print_json
from .terminal.console import open_console
from .terminal.spans import spans_of

STATES = ("WAITING", "OPEN", "CLOSING", "COMPENSATING", "SUCCEEDED", "FAILED", "CANCELLED")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser)
    parser.add_argument("--log", action="store_true", help="add the task log: every transition")
    parser.add_argument("--scope", type=_scope, metavar="N", help="what is in this scope")
    parser.add_argument(
        "--block", metavar="TASK", help="the scopes of this block: invoices, or lines/17"
    )
    parser.add_argument(
        "--state",
        type=str.upper,
        choices=STATES,
        metavar="STATE",
        help=f"with --block: scopes in this state: {', '.join(STATES)}",
    )
    parser.add_argument(
        "--page", type=positive, default=1, metavar="N", help="with --block: the Nth page (1)"
    )
    add_json(parser)


def _scope(text: str) -> int:
    number = positive(text)
    if len(text) > MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} is too large")
    return number


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.block is None and (args.state is not None or args.page != 1):
        raise BadArgument("--state and --page are of the scopes of one block: name it by --block")
    if args.block is not None and args.scope is not None:
        raise BadArgument("--block and --scope are given, one of the two is wanted")
    with open_database(settings) as conn:
        instance = whole_id(conn, args.instance)
        if args.block is not None:
            return _show_block(conn, instance, args)
        picture = read_picture(conn, instance, args.scope, whole_log=args.log)
    if args.json:
        print_json(_body(picture))
        return 0
    open_console().print(draw(picture))
    if args.log:
        for entry in picture.log:
            print(log_line(entry))
    return 0


def _show_block(conn: Connection, instance: UUID, args: argparse.Namespace) -> int:
    with steady(conn, snapshot=True):
        block = find_block(conn, instance, args.block)
        page = read_page(conn, instance, key_of(block), state=args.state, page=args.page)
    following = args.page + 1 if page.more else None
    if args.json:
        print_json({"items": [_scope_body(row) for row in page.scopes], "next": following})
        return 0
    open_console().print(draw_page(block, page))
    if following:
        print(f"(more follow: --page {following})")
    return 0


def _body(picture: Picture) -> dict[str, Json]:
    log = picture.log_by_task()
    tasks: list[Json] = [
        # What was left out of the log would be missing in the sum.
        {**body(task), **(spans_of(log[task["task"]])._asdict() if picture.whole_log else {})}
        for task in picture.tasks
    ]
    if picture.scope is not None:
        return {
            **_scope_body(picture.scope),
            "tasks": tasks,
            "around": picture.scope["around"],
            "not_reached": [*picture.not_reached],
            "truncated": False,
        }
    return {
        **body(picture.instance),
        "tasks": tasks,
        "not_reached": [*picture.not_reached],
        "kept_signals": [body(signal) for signal in picture.kept_signals],
        "log": [log_entry(entry) for entry in picture.log],
        "truncated": not picture.whole_log,
    }


def _scope_body(scope: Row) -> dict[str, Json]:
    return {**scope, "tasks": [body(task) for task in scope["tasks"]]}
