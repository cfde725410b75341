"""What starts instances by itself: the entries of `on` of the latest versions of workflows.

Name a trigger WORKFLOW/ID. One that is paused starts nothing: a webhook asks its sender to try
again. Failures are what a trigger has heard and could make nothing of. Exits 1 where there is no
such trigger.
"""

import argparse
from typing import Any

from ...calls import NamedDecision, TriggerDecision, pause_triggers, resume_triggers
from ...calls.base import Connection
from ...calls.reads import json_rows
from ...calls.triggers import find_trigger, hears, list_failures, list_triggers
from ...errors import BadArgument, NotFound
from ...settings import Settings
from ..arguments import add_json, positive
from ..database import open_database
from ..output import clock_text, one_line, print_json, print_named, print_table

COLUMNS = (
    "workflow, trigger, kind, version, spec, paused_at, disabled_at, next_at, failed, failed_at"
)
FAILURE = "code, message, key, times, first_at, last_at"
KINDS = ("schedule", "kafka", "webhook")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("list", help="list them, by workflow and id")
    show.add_argument("--workflow", metavar="NAME", help="of this workflow")
    show.add_argument("--kind", choices=KINDS, help="of this kind")
    show.add_argument("--limit", type=positive, default=200, metavar="N", help="at most N (200)")
    for action, text in (("pause", "let them start nothing"), ("resume", "let them start again")):
        switch = actions.add_parser(action, help=text)
        switch.add_argument("triggers", nargs="+", metavar="WORKFLOW/ID")
    failures = actions.add_parser("failures", help="list what one could make nothing of")
    failures.add_argument("trigger", metavar="WORKFLOW/ID")
    for action in actions.choices.values():
        add_json(action)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        match args.action:
            case "pause" | "resume":
                decide = pause_triggers if args.action == "pause" else resume_triggers
                names = [_split(name) for name in args.triggers]
                decided = decide(conn, [one for one, _ in names], [one for _, one in names])
                return print_named([_named(one) for one in decided], as_json=args.json)
            case "failures":
                _print_failures(_failures(conn, args.trigger), as_json=args.json)
            case _:
                rows = json_rows(
                    conn, list_triggers(COLUMNS, args.workflow, args.kind, limit=args.limit)
                )
                _print_triggers([_told(row) for row in rows], as_json=args.json)
    return 0


def _split(name: str) -> tuple[str, str]:
    workflow, _, trigger = name.partition("/")
    if not trigger:
        raise BadArgument(f"{name} names no trigger", hint="write WORKFLOW/ID, such as deploy/push")
    return workflow, trigger


def _named(decided: TriggerDecision) -> NamedDecision:
    return NamedDecision(f"{decided.workflow}/{decided.trigger}", decided.outcome, decided.detail)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with what it hears in words, in place of what the engine keeps of it."""
    row["hears"] = hears(row["workflow"], row["trigger"], row["kind"], row.pop("spec"))
    return row


def _failures(conn: Connection, name: str) -> list[dict[str, Any]]:
    workflow, trigger = _split(name)
    rows = json_rows(conn, list_failures(FAILURE, workflow, trigger))
    if not rows and not json_rows(conn, find_trigger("trigger", workflow, trigger)):
        raise NotFound(f"there is no trigger {name}", hint="see `onceflow triggers list`")
    return rows


def _print_triggers(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    elif not rows:
        print("no workflow has a trigger")
    else:
        print_table(
            ("TRIGGER", "KIND", "HEARS", "STATE", "NEXT", "FAILED", "LAST FAILED"),
            (
                (
                    f"{row['workflow']}/{row['trigger']}",
                    row["kind"],
                    one_line(row["hears"]),
                    _state(row),
                    clock_text(row["next_at"]),
                    str(row["failed"] or ""),
                    clock_text(row["failed_at"]),
                )
                for row in rows
            ),
        )


def _state(row: dict[str, Any]) -> str:
    return "paused" if row["paused_at"] else "disabled" if row["disabled_at"] else "on"


def _print_failures(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    elif not rows:
        print("nothing has failed")
    else:
        print_table(
            ("CODE", "TIMES", "LAST", "FIRST", "KEY OF THE LAST", "MESSAGE"),
            (
                (
                    one_line(row["code"]),
                    str(row["times"]),
                    clock_text(row["last_at"]),
                    clock_text(row["first_at"]),
                    one_line(row["key"] or ""),
                    one_line(row["message"]),
                )
                for row in rows
            ),
        )
