"""Calls about triggers, of all kinds: what starts instances by itself."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

from ..base import Connection, Record, change
from ..reads import Query

PAUSE_TRIGGERS: Final[LiteralString] = """
select workflow, trigger, outcome, detail
  from onceflow.pause_triggers(p_workflows => %s::text[], p_triggers => %s::text[])"""

RESUME_TRIGGERS: Final[LiteralString] = """
select workflow, trigger, outcome, detail
  from onceflow.resume_triggers(p_workflows => %s::text[], p_triggers => %s::text[])"""


TRIGGER: Final[LiteralString] = (
    "workflow, trigger, kind, version, spec, paused_at, disabled_at, next_at, due_at,"
    " late_seconds as late, last_planned_at, last_state, last_instance, problem, lag, failed,"
    " failed_at"
)
"""Columns of a trigger, as the API and the command line tell them."""
POSITION: Final[LiteralString] = "topic, partition, position, log_end, lag, taken_at"
"""Columns of where one stands in a partition."""

LATE: Final = "1 minute"
"""From then on a schedule is told as late: usually a relay takes it within a second."""
BEHIND: Final = 10_000
"""From so many records on that are to be taken a topic is told as lagging: some seconds' worth."""
STALLED: Final = 100
"""Triggers at most that are told as stalled."""


class TriggerDecision(Record, frozen=True):
    """What an operator's call did with an entry of `on`: ``done``, or ``unknown``."""

    workflow: str
    trigger: str
    outcome: str
    detail: str


def pause_triggers(
    conn: Connection, workflows: Sequence[str], triggers: Sequence[str]
) -> list[TriggerDecision]:
    """Let entries of `on` start nothing; each with the name of its workflow."""
    rows = change(conn, PAUSE_TRIGGERS, (list(workflows), list(triggers)))
    return [TriggerDecision(*row) for row in rows]


def resume_triggers(
    conn: Connection, workflows: Sequence[str], triggers: Sequence[str]
) -> list[TriggerDecision]:
    """Let entries of `on` start instances again; what a schedule had planned meanwhile is past."""
    rows = change(conn, RESUME_TRIGGERS, (list(workflows), list(triggers)))
    return [TriggerDecision(*row) for row in rows]


# Reads


def list_triggers(
    columns: LiteralString,
    workflow: str | None = None,
    kind: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 1000,
) -> Query:
    """Ask for triggers by workflow and id, those ``after`` one: of one workflow, or all."""
    where: list[LiteralString] = ["true"]
    parameters: dict[str, Any] = {"workflow": workflow, "kind": kind, "limit": limit}
    if workflow is not None:
        where.append("t.workflow = %(workflow)s")
    if kind is not None:
        where.append("t.kind = %(kind)s")
    if after is not None:
        where.append("(t.workflow, t.trigger) > (%(after)s, %(after_trigger)s)")
        parameters["after"], parameters["after_trigger"] = after
    matching: LiteralString = " and ".join(where)
    return Query(_listed(columns, matching), parameters)


def find_trigger(columns: LiteralString, workflow: str, trigger: str) -> Query:
    """Ask for one trigger."""
    parameters = {"workflow": workflow, "trigger": trigger, "limit": 1}
    return Query(
        _listed(columns, "t.workflow = %(workflow)s and t.trigger = %(trigger)s"), parameters
    )


def _listed(columns: LiteralString, matching: LiteralString) -> LiteralString:
    return (
        f"select {columns} from (select t.*, f.*, r.*, p.*, extract(epoch from t.late)::float8"
        " as late_seconds from (select * from onceflow.triggers t"
        f" where {matching} order by t.workflow, t.trigger limit %(limit)s) t"
        " cross join lateral (select coalesce(sum(f.times), 0)::bigint as failed,"
        " max(f.last_at) as failed_at from onceflow.trigger_failures f"
        " where f.workflow = t.workflow and f.trigger = t.trigger) f"
        " left join lateral (select r.planned_at as last_planned_at, r.state as last_state,"
        " r.instance_id as last_instance from onceflow.schedule_runs r"
        " where r.workflow_id = t.workflow_id and r.trigger = t.trigger"
        " order by r.planned_at desc limit 1) r on true"
        # A trigger keeps where it stood in the topics that it had before.
        " cross join lateral (select sum(p.lag)::bigint as lag from onceflow.topic_positions p"
        " where p.workflow = t.workflow and p.trigger = t.trigger"
        " and p.topic = t.spec ->> 'topic') p) listed order by workflow, trigger"
    )


def list_positions(columns: LiteralString, workflow: str, trigger: str) -> Query:
    """Ask where a trigger stands in its topic, and in those that it had before."""
    text: LiteralString = (
        f"select {columns} from onceflow.topic_positions"
        " where workflow = %(workflow)s and trigger = %(trigger)s order by topic, partition"
    )
    return Query(text, {"workflow": workflow, "trigger": trigger})


def list_stalled(columns: LiteralString) -> Query:
    """Ask for triggers that should start instances and do not, or not fast enough.

    ``due_since``: of a schedule. ``problem``: of a topic. ``lag``: how many of its records are to
    be taken; ``stuck``: of a partition with some none was taken of late, the last at ``taken_at``.
    """
    text: LiteralString = (
        f"select {columns} from (select t.*, p.*,"
        " case when t.late > %(late)s::interval then coalesce(t.due_at, t.done_until) end"
        " as due_since from onceflow.triggers t"
        # A trigger keeps where it stood in the topics that it had before.
        " cross join lateral (select sum(p.lag)::bigint as lag,"
        " coalesce(bool_or(p.is_stuck), false) as stuck,"
        " min(p.taken_at) filter (where p.is_stuck) as taken_at from (select p.*,"
        " p.lag > 0 and coalesce(p.taken_at, '-infinity') < statement_timestamp()"
        " - %(late)s::interval as is_stuck from onceflow.topic_positions p"
        " where t.kind = 'kafka' and p.workflow = t.workflow and p.trigger = t.trigger"
        " and p.topic = t.spec ->> 'topic') p) p where t.paused_at is null) stalled"
        " where due_since is not null or disabled_at is null"
        " and (problem is not null or lag >= %(behind)s or stuck)"
        " order by workflow, trigger limit %(limit)s"
    )
    return Query(text, {"late": LATE, "behind": BEHIND, "limit": STALLED})


def list_failures(columns: LiteralString, workflow: str, trigger: str) -> Query:
    """Ask for what a trigger could make nothing of, the latest first."""
    text: LiteralString = (
        f"select {columns} from onceflow.trigger_failures"
        " where workflow = %(workflow)s and trigger = %(trigger)s order by last_at desc, id desc"
    )
    return Query(text, {"workflow": workflow, "trigger": trigger})


def hears(workflow: str, trigger: str, kind: str, spec: Mapping[str, Any]) -> str:
    """Say what a trigger waits for, of what the engine keeps of it."""
    match kind:
        case "webhook":
            signature = spec.get("signature")
            by = spec.get("preset") or (signature["header"] if signature else "nobody")
            return f"POST /hooks/{workflow}/{trigger}, signed by {by}"
        case "schedule":
            plan = spec.get("plan", {})
            if "cron" in plan:
                return f"{plan['cron']} in {plan['timezone']}"
            return f"every {plan.get('every')} s"
        case _:
            sent = f", event {spec['event']}" if "event" in spec else ""
            return f"topic {spec.get('topic', '')}{sent}"
