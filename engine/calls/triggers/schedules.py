"""Calls about schedules, and about all that starts instances by itself."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

from ...errors import BadArgument, Refused
from ...schedules import EPOCH, Plan, PlanError, Turn
from ..base import Connection, Record, change, fetch, fetch_value, word
from ..reads import Query
from ..workflows import require_offset

RUN: Final[LiteralString] = (
    "planned_at, cause, state, instance_id as instance, instance_state as instance_status,"
    " until, count, error"
)
"""Columns of what came of a planned time, as the API and the command line tell them."""

PORTION: Final = 500
"""Planned times that are queued at once."""
MOST: Final = 10_000
"""Planned times of one backfill: more are taken for a slip of the pen."""
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""No planned time is asked for beyond: at the end of the calendar some cannot be computed."""

READ_SCHEDULES: Final[LiteralString] = """
select workflow_id, workflow, trigger, plan, catch_up, done_until, turn, now
  from onceflow.read_schedules(p_limit => %s::int, p_skip => %s::int)"""

FIRE_SCHEDULES: Final[LiteralString] = """
select workflow, trigger, planned_at, state, instance_id, error
  from onceflow.fire_schedules(p_workflow_ids => %s::bigint[], p_triggers => %s::text[],
    p_turns => %s::int[], p_done_until => %s::timestamptz[], p_next_at => %s::timestamptz[],
    p_due_at => %s::timestamptz[], p_of => %s::int[], p_planned => %s::timestamptz[],
    p_missed_until => %s::timestamptz[], p_missed_counts => %s::int[])"""

START_QUEUED_RUNS: Final[LiteralString] = """
select onceflow.start_queued_runs(p_limit => %s::int, p_skip => %s::int)"""

CANCEL_OVERLAPPED_RUNS: Final[LiteralString] = """
select onceflow.cancel_overlapped_runs(p_limit => %s::int, p_skip => %s::int)"""

TRIGGER_SCHEDULES: Final[LiteralString] = """
select workflow, trigger, outcome, instance_id, detail
  from onceflow.trigger_schedules(p_workflows => %s::text[], p_triggers => %s::text[],
                                  p_at => %s::timestamptz)"""

BACKFILL_SCHEDULES: Final[LiteralString] = """
select planned_at, outcome
  from onceflow.backfill_schedules(p_workflow => %s::text, p_trigger => %s::text,
                                   p_planned => %s::timestamptz[])"""


class DueSchedule(Record, frozen=True):
    """A schedule whose time has come, or whose next time is to be computed; ``now`` is SQL's."""

    workflow_id: int
    workflow: str
    trigger: str
    plan: Plan
    catch_up: float
    done_until: datetime
    turn: int
    now: datetime


class Run(Record, frozen=True):
    """What came of a planned time; of missed ones ``error`` has until when, and how many."""

    workflow: str
    trigger: str
    planned_at: datetime
    state: str
    instance_id: UUID | None
    error: dict[str, Any] | None


TRIGGERED: Final = ("started", "queued", "skipped", "refused", "unknown")


class Triggered(Record, frozen=True):
    """What came of a start of a schedule by hand; ``detail`` says it in words."""

    workflow: str
    trigger: str
    outcome: Literal["started", "queued", "skipped", "refused", "unknown"]
    instance_id: UUID | None
    detail: str


class Backfilled(Record, frozen=True):
    """``queued``; ``known``: it has started or waits; ``later``: the schedule comes to it."""

    planned_at: datetime
    outcome: Literal["queued", "known", "later"]


def plan_of(workflow: str, trigger: str, plan: dict[str, Any]) -> Plan:
    """Return the plan of a schedule, which its names tell from all others."""
    return Plan.of(f"{workflow}/{trigger}", plan)


def read_schedules(conn: Connection, limit: int, skip: int = 0) -> list[DueSchedule]:
    """Read schedules whose time has come; ``take_turn`` says what is to be done of each."""
    return [
        DueSchedule(workflow_id, workflow, trigger, plan_of(workflow, trigger, plan), *rest)
        for workflow_id, workflow, trigger, plan, *rest in fetch(
            conn, READ_SCHEDULES, (limit, skip)
        )
    ]


def fire_schedules(conn: Connection, turns: Sequence[tuple[DueSchedule, Turn]]) -> list[Run]:
    """Do what the turns of schedules say, of those that nobody has done meanwhile."""
    runs = [
        (n, planned, None, None) for n, (_, turn) in enumerate(turns, 1) for planned in turn.starts
    ] + [(n, *turn.missed) for n, (_, turn) in enumerate(turns, 1) if turn.missed]
    parameters = (
        [due.workflow_id for due, _ in turns],
        [due.trigger for due, _ in turns],
        [due.turn for due, _ in turns],
        [turn.done_until for _, turn in turns],
        [turn.next_at for _, turn in turns],
        [turn.due_at for _, turn in turns],
        *([run[column] for run in runs] for column in range(4)),
    )
    return [Run(*row) for row in fetch(conn, FIRE_SCHEDULES, parameters)]


def start_queued_runs(conn: Connection, limit: int, skip: int = 0) -> int:
    """Start what waits of schedules of which nothing is under way; return how many."""
    return fetch_value(conn, START_QUEUED_RUNS, (limit, skip))


def cancel_overlapped_runs(conn: Connection, limit: int, skip: int = 0) -> int:
    """Cancel what stands in the way of a planned time that takes its place; return how many."""
    return fetch_value(conn, CANCEL_OVERLAPPED_RUNS, (limit, skip))


def trigger_schedules(
    conn: Connection,
    workflows: Sequence[str],
    triggers: Sequence[str],
    at: datetime | None = None,
) -> list[Triggered]:
    """Have schedules start an instance now; repeated with the same ``at`` nothing more starts."""
    rows = change(conn, TRIGGER_SCHEDULES, (list(workflows), list(triggers), require_offset(at)))
    return [
        Triggered(workflow, trigger, word(outcome, *TRIGGERED), instance_id, detail)
        for workflow, trigger, outcome, instance_id, detail in rows
    ]


def backfill_schedules(
    conn: Connection, workflow: str, trigger: str, planned: Sequence[datetime]
) -> list[Backfilled]:
    """Queue times of a schedule's past, as its plan has them. Raises NotFound."""
    rows = change(conn, BACKFILL_SCHEDULES, (workflow, trigger, list(planned)))
    return [Backfilled(at, word(outcome, "queued", "known", "later")) for at, outcome in rows]


def planned_times(plan: Plan, after: datetime, most: int, until: datetime = LAST) -> list[datetime]:
    """Return the times that a schedule plans after one, ``until`` another. Raises Refused."""
    try:
        return list(islice(takewhile(lambda at: at <= until, plan.after(after)), most))
    except PlanError as error:
        # It has been deployed: another machine knows the time zone, this one does not.
        raise Refused(f"the times of {plan.name} cannot be computed here: {error}") from None


def backfill_span(
    conn: Connection, plan: Plan, workflow: str, trigger: str, begin: datetime, end: datetime
) -> Counter[str]:
    """Queue what a schedule has planned from one time to another, both included.

    Returns how many of the planned times had which outcome. Raises BadArgument, NotFound, Refused.
    """
    if begin > end:
        raise BadArgument("the span ends before it begins", hint="give the earlier time first")
    if begin < EPOCH or end > LAST:
        raise BadArgument("the span must lie between 1970 and 2200", hint="give a shorter one")
    planned = planned_times(plan, begin - timedelta(microseconds=1), MOST + 1, end)
    if len(planned) > MOST:
        hint = "give a shorter one, and the rest in another call"
        raise BadArgument(f"more than {MOST:,} times were planned in that span", hint=hint)
    outcomes: Counter[str] = Counter()
    for first in range(0, len(planned), PORTION):
        part = planned[first : first + PORTION]
        outcomes.update(one.outcome for one in backfill_schedules(conn, workflow, trigger, part))
    return outcomes


# Reads


def list_runs(
    columns: LiteralString,
    workflow: str,
    trigger: str,
    limit: int,
    before: datetime | None = None,
) -> Query:
    """Ask for what came of a schedule's planned times, the last first: those ``before`` one."""
    further: LiteralString = "" if before is None else " and planned_at < %(before)s"
    text: LiteralString = (
        f"select {columns} from onceflow.schedule_runs"
        f" where workflow = %(workflow)s and trigger = %(trigger)s{further}"
        " order by planned_at desc limit %(limit)s"
    )
    given = {"workflow": workflow, "trigger": trigger, "limit": limit, "before": before}
    return Query(text, given)
