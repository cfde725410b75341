"""What starts instances by itself: the entries of `on` of the latest versions of workflows.

Name a trigger WORKFLOW/ID. One that is paused starts nothing: a webhook asks its sender to try
again. Failures are what a trigger has heard and could make nothing of, positions where it stands
in its topic. Exits 1 where there is no such trigger.
"""

import argparse
from typing import Any

from ...calls import NamedDecision, TriggerDecision, pause_triggers, resume_triggers
from ...calls.base import Connection
from ...calls.reads import json_rows
from ...calls.triggers import (
    POSITION,
    TRIGGER,
    find_trigger,
    hears,
    list_failures,
    list_positions,
    list_triggers,
)
from ...errors import BadArgument, NotFound
from ...settings import Settings
from ..arguments import add_json, positive
from ..database import open_database
from ..output import clock_text, one_line, print_json, print_named, seconds_text
from ..terminal.console import print_table

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
    positions = actions.add_parser("positions", help="tell where one stands in its topic")
    positions.add_argument("trigger", metavar="WORKFLOW/ID")
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
            case "positions":
                _print_positions(conn, args.trigger, as_json=args.json)
            case _:
                rows = json_rows(
                    conn, list_triggers(TRIGGER, args.workflow, args.kind, limit=args.limit)
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
            ("TRIGGER", "KIND", "HEARS", "STATE", "NEXT", "LAST", "FAILED", "LAST FAILED"),
            (
                (
                    f"{row['workflow']}/{row['trigger']}",
                    row["kind"],
                    one_line(row["hears"]),
                    _state(row),
                    _next(row),
                    f"{clock_text(row['last_planned_at'])} {row['last_state'] or ''}".strip(),
                    str(row["failed"] or ""),
                    clock_text(row["failed_at"]),
                )
                for row in rows
            ),
        )


def _next(row: dict[str, Any]) -> str:
    if row["kind"] == "kafka" and row["lag"] is not None:
        return f"{row['lag']:,} to take"
    return clock_text(row["next_at"])


def _state(row: dict[str, Any]) -> str:
    if row["paused_at"]:
        return "paused"
    if row["disabled_at"]:
        return "disabled"
    if row["problem"]:
        return f"not read: {one_line(row['problem'])}"
    return f"late by {seconds_text(row['late'])}" if (row["late"] or 0) >= 1 else "on"


def _print_positions(conn: Connection, name: str, *, as_json: bool) -> None:
    workflow, trigger = _split(name)
    found = json_rows(conn, find_trigger("kind, problem, paused_at", workflow, trigger))
    if not found or found[0]["kind"] != "kafka":
        raise NotFound(f"there is no topic trigger {name}", hint="see `onceflow triggers list`")
    rows = json_rows(conn, list_positions(POSITION, workflow, trigger))
    if as_json:
        print_json({"items": rows, "problem": found[0]["problem"]})
        return
    if found[0]["problem"]:
        print(one_line(found[0]["problem"]))
    if found[0]["paused_at"]:
        print("it is paused: nothing is read until it is resumed")
    if not rows:
        print("no relay has read it yet")
        return
    print_table(
        ("TOPIC", "PARTITION", "NEXT OFFSET", "LOG END", "TO TAKE", "LAST TAKEN"),
        (
            (
                *(one_line(row["topic"]), str(row["partition"]), str(row["position"])),
                *("" if row[name] is None else str(row[name]) for name in ("log_end", "lag")),
                clock_text(row["taken_at"]),
            )
            for row in rows
        ),
    )


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
