"""Schedules: what they have planned and what came of it; starts by hand, and of times gone by.

Name a schedule WORKFLOW/ID. `trigger` starts an instance now, as if it had been planned. `backfill`
starts one for each time that the schedule plans from FROM until TO and that has not started yet,
one after the other. `onceflow triggers` lists schedules, pauses and resumes them.
"""

import argparse
from datetime import UTC, datetime
from typing import Any

from ...calls import Triggered, plan_of, trigger_schedules
from ...calls.base import Connection
from ...calls.reads import json_rows
from ...calls.triggers import find_trigger
from ...calls.triggers.schedules import RUN, backfill_span, list_runs, planned_times
from ...errors import BadArgument, NotFound
from ...schedules import Plan
from ...settings import Settings
from ..arguments import add_json, offset_time, positive
from ..database import open_database
from ..output import clock_text, print_json
from ..terminal.console import print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    following = actions.add_parser("next", help="the next times that one has planned")
    runs = actions.add_parser("runs", help="what came of the last ones")
    for listing in (following, runs):
        listing.add_argument("schedule", metavar="WORKFLOW/ID")
        listing.add_argument("--limit", type=positive, default=10, metavar="N", help="N (10)")
    start = actions.add_parser("trigger", help="have them start an instance now")
    start.add_argument("schedules", nargs="+", metavar="WORKFLOW/ID")
    backfill = actions.add_parser("backfill", help="start those that were planned in the past")
    backfill.add_argument("schedule", metavar="WORKFLOW/ID")
    backfill.add_argument("begin", metavar="FROM", type=offset_time, help="a time with its offset")
    backfill.add_argument("end", metavar="TO", type=offset_time, help="the last, itself included")
    for action in actions.choices.values():
        add_json(action)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        match args.action:
            case "trigger":
                names = [_split(name) for name in args.schedules]
                made = trigger_schedules(conn, [one for one, _ in names], [one for _, one in names])
                return _print_triggered(made, as_json=args.json)
            case "backfill":
                _backfill(conn, args)
            case "next":
                _print_next(conn, args)
            case _:
                _print_runs(_runs(conn, args), as_json=args.json)
    return 0


def _split(name: str) -> tuple[str, str]:
    workflow, _, trigger = name.partition("/")
    if not trigger:
        hint = "write WORKFLOW/ID, such as billing/nightly"
        raise BadArgument(f"{name} names no schedule", hint=hint)
    return workflow, trigger


def _plan(conn: Connection, name: str) -> tuple[Plan, dict[str, Any]]:
    workflow, trigger = _split(name)
    rows = json_rows(conn, find_trigger("kind, spec, paused_at", workflow, trigger))
    if not rows or rows[0]["kind"] != "schedule":
        raise NotFound(f"there is no schedule {name}", hint="see `onceflow triggers list`")
    return plan_of(workflow, trigger, rows[0]["spec"]["plan"]), rows[0]


def _print_next(conn: Connection, args: argparse.Namespace) -> None:
    plan, row = _plan(conn, args.schedule)
    planned = planned_times(plan, datetime.now(UTC), args.limit)
    if args.json:
        times = [
            {"planned_at": at.isoformat(), "due_at": plan.due(at).isoformat()} for at in planned
        ]
        print_json(times)
        return
    if row["paused_at"]:
        print("it is paused: none of these starts anything until it is resumed")
    print_table(
        ("PLANNED", "DUE"),
        ((clock_text(at.isoformat()), clock_text(plan.due(at).isoformat())) for at in planned),
    )


def _runs(conn: Connection, args: argparse.Namespace) -> list[dict[str, Any]]:
    _plan(conn, args.schedule)
    return json_rows(conn, list_runs(RUN, *_split(args.schedule), limit=args.limit))


def _print_runs(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    elif not rows:
        print("nothing was planned yet")
    else:
        print_table(
            ("PLANNED", "CAUSE", "CAME OF IT", "INSTANCE", ""),
            (
                (
                    clock_text(row["planned_at"]),
                    row["cause"],
                    row["state"] if row["until"] is None else f"{row['count'] or 'many'} missed",
                    row["instance"] or "",
                    row["instance_status"] or _message(row["error"]),
                )
                for row in rows
            ),
        )


def _message(error: dict[str, Any] | None) -> str:
    return str(error.get("message", "")) if error else ""


def _print_triggered(made: list[Triggered], *, as_json: bool) -> int:
    if as_json:
        print_json(
            [
                {
                    "trigger": f"{each.workflow}/{each.trigger}",
                    "outcome": each.outcome,
                    "instance": str(each.instance_id) if each.instance_id else None,
                    "detail": each.detail,
                }
                for each in made
            ]
        )
    else:
        for each in made:
            name = f"{each.workflow}/{each.trigger}"
            print(f"{name}  {each.outcome} {each.instance_id or ''} {each.detail}".strip())
    return 1 if any(each.outcome in ("unknown", "refused") for each in made) else 0


def _backfill(conn: Connection, args: argparse.Namespace) -> None:
    plan, _ = _plan(conn, args.schedule)
    made = backfill_span(conn, plan, *_split(args.schedule), args.begin, args.end)
    outcomes = {outcome: made[outcome] for outcome in ("queued", "known", "later")}
    if args.json:
        print_json(outcomes)
        return
    print(f"{outcomes['queued']} queued, {outcomes['known']} started or queued before", end="")
    print(f", {outcomes['later']} are still to come" if outcomes["later"] else "")
