"""List dead letters, and decide what becomes of them.

A dead letter is a task that has failed for good. While it is open a person can redrive it (try it
again, with corrected input where the input was wrong, or with the value that a step without a
worker should have had), skip it (what follows goes on with the output that you give) or discard it
(its instance fails). Name dead letters as INSTANCE/TASK, or choose them by filters. Skip and
discard ask before, unless --yes. Exits 1 where one of them was refused, and says why.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from ..calls import (
    Decided,
    Key,
    discard_dead_letters,
    redrive_dead_letters,
    skip_dead_letters,
)
from ..calls.base import Connection
from ..calls.lists.dead_letters import DeadLetterFilter
from ..calls.reads import LOOKED_AT
from ..errors import BadArgument
from ..settings import Settings
from .arguments import INPUT_HELP, add_json, instance_id, positive, read_json, task_key
from .bodies import bounded_page
from .database import (
    Row,
    key_of,
    list_dead_letters,
    open_database,
    page_dead_letters,
    whole_id,
)
from .output import clock_text, error_text, print_decisions, print_json, print_more
from .terminal.asking import add_yes, ask
from .terminal.console import print_table

BATCH = 200
"""Dead letters decided in one transaction."""

FILTERS = ("instance", "workflow", "step", "queue", "code")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    show = actions.add_parser("list", help="list open dead letters, of the oldest instances first")
    _add_filters(show)
    show.add_argument(
        "--records", action="store_true", help="also those that nothing can be done about any more"
    )
    show.add_argument(
        "--group",
        action="store_true",
        help="count those with one fingerprint, which failed alike, the most frequent first",
    )
    show.add_argument("--limit", type=positive, default=100, metavar="N", help="at most N (100)")
    show.add_argument(
        "--after",
        type=task_key,
        metavar="INSTANCE/TASK",
        help="behind this one: the last of the page before",
    )
    add_json(show)

    redrive = actions.add_parser("redrive", help="try again, with a fresh budget of retries")
    _add_choice(redrive)
    redrive.add_argument(
        "--input",
        metavar="JSON",
        help="the task's input, corrected; of a step without a worker what its expression "
        f"should have given: {INPUT_HELP}",
    )

    skip = actions.add_parser("skip", help="let what follows go on")
    _add_choice(skip)
    add_yes(skip)
    skip.add_argument(
        "--output",
        metavar="JSON",
        default="null",
        help=f"what the steps that follow read as its output: {INPUT_HELP} (null)",
    )

    discard = actions.add_parser("discard", help="give up: the instance fails")
    _add_choice(discard)
    add_yes(discard)


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.action == "list":
        return _list(args, settings)
    decide = _decision(args)
    require_choice(args)
    with open_database(settings) as conn:
        keys = [Key(whole_id(conn, instance), task) for instance, task in args.dead_letters]
        keys = keys or _matching(conn, args)
        if args.action != "redrive":
            names = [f"{key.instance_id}/{key.task}" for key in keys]
            ask(args, args.action, "dead letter", names)
        decisions: list[Decided] = []
        for first in range(0, len(keys), BATCH):
            decisions += decide(conn, keys[first : first + BATCH])
    if not decisions and not args.json:
        print("no open dead letter matches")
        return 0
    return print_decisions(decisions, as_json=args.json)


def require_choice(args: argparse.Namespace) -> None:
    """Raise BadArgument unless dead letters are named, or chosen by filters."""
    chosen_by_filter = args.all or any(getattr(args, name) is not None for name in FILTERS)
    if bool(args.dead_letters) == chosen_by_filter:
        raise BadArgument(
            "name the dead letters as INSTANCE/TASK, or choose them by filters, one of the two",
            hint="--all takes all open ones; `onceflow dead-letters list` shows them",
        )


def _decision(args: argparse.Namespace) -> Callable[[Connection, Sequence[Key]], list[Decided]]:
    """Return the function that decides a batch as the arguments say."""
    if args.action == "redrive":
        if args.input is None:
            return redrive_dead_letters
        corrected = read_json(args.input, "--input")
        return lambda conn, keys: redrive_dead_letters(conn, keys, [corrected] * len(keys))
    if args.action == "skip":
        output = read_json(args.output, "--output")
        return lambda conn, keys: skip_dead_letters(conn, keys, [output] * len(keys))
    return discard_dead_letters


def _list(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        after = None
        if args.after is not None:
            instance, task = args.after
            after = whole_id(conn, instance), task
        wanted = _wanted(conn, args, records=args.records)
        rows, last = page_dead_letters(conn, wanted, args.limit + 1, after)
    following = None if last is None else f"{last[0]}/{last[1]}"
    if len(rows) > args.limit:
        rows = rows[: args.limit]
        following = f"{rows[-1]['instance']}/{rows[-1]['task']}"
    if args.json and not args.group:
        found = [_body(row, records=args.records) for row in rows]
        print_json(bounded_page(found, following, None if last is None else LOOKED_AT))
    else:
        more = "" if following is None else f"--after {following}"
        print_letters(args, rows, more, None if last is None else LOOKED_AT)
    return 0


def print_letters(
    args: argparse.Namespace, rows: Sequence[Row], more: str, looked_at: int | None
) -> None:
    """Print dead letters; ``more`` and ``looked_at`` as ``print_more`` takes them."""
    if args.group:
        _print_groups(rows, as_json=args.json)
    elif rows:
        print_table(
            ("INSTANCE/TASK", "WORKFLOW", "DIED", "ATTEMPTS", "OPEN", "ERROR"),
            (
                (
                    f"{row['instance']}/{row['task']}",
                    f"{row['workflow']} v{row['version']}",
                    clock_text(row["died_at"]),
                    str(row["attempts"]),
                    "yes" if row["open"] else "no",
                    error_text(row["error"]),
                )
                for row in rows
            ),
        )
    else:
        print("no dead letter matches")
    if not args.json:
        print_more(more, looked_at)


def _body(row: Row, *, records: bool) -> Row:
    """Return a dead letter as the API has it, which lists open ones alone."""
    return row if records else {name: row[name] for name in row if name != "open"}


def _print_groups(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print the kinds of failures among ``rows``; one without a fingerprint goes by its code."""
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        error: dict[str, Any] = row["error"] or {}
        kind = (str(error.get("fingerprint", "")), str(error.get("code", "")))
        kinds.setdefault(kind, []).append(row)
    groups = sorted(kinds.items(), key=lambda group: -len(group[1]))
    if as_json:
        print_json(
            [
                {
                    "fingerprint": fingerprint or None,
                    "code": code or None,
                    "count": len(alike),
                    "error": alike[0]["error"],
                    "dead_letters": [f"{row['instance']}/{row['task']}" for row in alike],
                }
                for (fingerprint, code), alike in groups
            ]
        )
    elif groups:
        print_table(
            ("FINGERPRINT", "COUNT", "INSTANCE/TASK", "ERROR"),
            (
                (
                    fingerprint or "-",
                    str(len(alike)),
                    f"{alike[0]['instance']}/{alike[0]['task']}",
                    error_text(alike[0]["error"]),
                )
                for (fingerprint, _), alike in groups
            ),
        )
    else:
        print("no dead letter matches")


def _matching(conn: Connection, args: argparse.Namespace) -> list[Key]:
    wanted = _wanted(conn, args, records=False)
    return [key_of(row) for row in list_dead_letters(conn, wanted, args.limit)]


def _wanted(conn: Connection, args: argparse.Namespace, *, records: bool) -> DeadLetterFilter:
    return DeadLetterFilter(
        records=records,
        instance=None if args.instance is None else whole_id(conn, args.instance),
        workflow=args.workflow,
        step=args.step,
        queue=args.queue,
        code=args.code,
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the two ways to say which dead letters: by name, and by filters."""
    parser.add_argument("dead_letters", type=task_key, nargs="*", metavar="INSTANCE/TASK")
    _add_filters(parser)
    parser.add_argument("--all", action="store_true", help="all open dead letters")
    parser.add_argument(
        "--limit", type=positive, default=10_000, metavar="N", help="at most N by filter (10000)"
    )
    add_json(parser)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instance", type=instance_id, metavar="ID", help="of this instance")
    parser.add_argument("--workflow", metavar="NAME", help="of this workflow")
    parser.add_argument("--step", metavar="STEP", help="of this step")
    parser.add_argument("--queue", metavar="QUEUE", help="of this queue")
    parser.add_argument(
        "--code", metavar="CODE", help="that failed with this code: http.503, or 'http.*'"
    )
