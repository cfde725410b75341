"""Calls of operators: about dead letters, the transport and access."""

from collections.abc import Sequence
from typing import Final, Literal, LiteralString
from uuid import UUID

from ..json_text import Json
from .base import (
    Connection,
    Decided,
    Key,
    NamedDecision,
    Record,
    change,
    decided,
    json_array,
    json_of,
)
from .slow_expressions import in_time

REDRIVE_DEAD_LETTERS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.redrive_dead_letters(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                                     p_inputs => %s::jsonb[])"""

SKIP_DEAD_LETTERS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.skip_dead_letters(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                                  p_outputs => %s::jsonb[])"""

DISCARD_DEAD_LETTERS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.discard_dead_letters(p_instance_ids => %s::uuid[], p_tasks => %s::text[])"""

SWITCH_TRANSPORT: Final[LiteralString] = """
select shipped, done
  from onceflow.switch_transport(p_transport => %s::text, p_limit => %s::int)"""

DISABLE_WORKFLOWS: Final[LiteralString] = """
select workflow, outcome, detail from onceflow.disable_workflows(p_names => %s::text[])"""

ENABLE_WORKFLOWS: Final[LiteralString] = """
select workflow, outcome, detail from onceflow.enable_workflows(p_names => %s::text[])"""

PAUSE_QUEUES: Final[LiteralString] = """
select queue, outcome, detail from onceflow.pause_queues(p_names => %s::text[])"""

RESUME_QUEUES: Final[LiteralString] = """
select queue, outcome, detail from onceflow.resume_queues(p_names => %s::text[])"""

ERASE_INSTANCES: Final[LiteralString] = """
select instance_id, null, outcome, detail
  from onceflow.erase_instances(p_ids => %s::uuid[], p_by => %s::text)"""

GRANT_ACCESS: Final[LiteralString] = """
select onceflow.grant_access(p_role => %s::name, p_kind => %s::text)"""


class Switched(Record, frozen=True):
    """How many tasks were shipped again, and whether that was all."""

    shipped: int
    done: bool


def redrive_dead_letters(
    conn: Connection, keys: Sequence[Key], inputs: Sequence[Json] | None = None
) -> list[Decided]:
    """Queue open dead letters again, with a fresh budget of retries.

    ``inputs``, where given, are as many as keys and replace the tasks' inputs; None leaves one as
    it was. A step without a worker takes what its expression should have given.
    """
    corrected = (
        None if inputs is None else [None if value is None else json_of(value) for value in inputs]
    )
    parameters = (*_columns(keys), corrected)
    return decided(in_time(conn, lambda: change(conn, REDRIVE_DEAD_LETTERS, parameters)))


def skip_dead_letters(
    conn: Connection, keys: Sequence[Key], outputs: Sequence[Json]
) -> list[Decided]:
    """Skip open dead letters: what follows goes on with the given outputs, one a key."""
    parameters = (*_columns(keys), json_array(outputs))
    return decided(in_time(conn, lambda: change(conn, SKIP_DEAD_LETTERS, parameters)))


def discard_dead_letters(conn: Connection, keys: Sequence[Key]) -> list[Decided]:
    """Give open dead letters up: their instances fail, and are compensated where they say so."""
    return decided(in_time(conn, lambda: change(conn, DISCARD_DEAD_LETTERS, _columns(keys))))


def switch_transport(conn: Connection, transport: str, limit: int = 1000) -> Switched:
    """Have messages travel by ``transport``; call it until it is done.

    At most ``limit`` tasks are shipped again at a time. Raises Refused while workers live, and
    where something still needs Kafka.
    """
    (row,) = change(conn, SWITCH_TRANSPORT, (transport, limit))
    return Switched(*row)


def disable_workflows(conn: Connection, names: Sequence[str]) -> list[NamedDecision]:
    """Let no new instances of these workflows start; those that have started go on."""
    return [NamedDecision(*row) for row in change(conn, DISABLE_WORKFLOWS, (list(names),))]


def enable_workflows(conn: Connection, names: Sequence[str]) -> list[NamedDecision]:
    """Let instances of these workflows start again."""
    return [NamedDecision(*row) for row in change(conn, ENABLE_WORKFLOWS, (list(names),))]


def pause_queues(conn: Connection, names: Sequence[str]) -> list[NamedDecision]:
    """Let no task of these queues be given out; what runs goes on."""
    return [NamedDecision(*row) for row in change(conn, PAUSE_QUEUES, (list(names),))]


def resume_queues(conn: Connection, names: Sequence[str]) -> list[NamedDecision]:
    """Give out again what waits on these queues."""
    return [NamedDecision(*row) for row in change(conn, RESUME_QUEUES, (list(names),))]


def erase_instances(conn: Connection, ids: Sequence[UUID], by: str | None = None) -> list[Decided]:
    """Take the payloads of ended instances away for good; who they are and how they ended stays.

    ``by`` is who wants it; the role that is logged in unless given.
    """
    return decided(change(conn, ERASE_INSTANCES, (list(ids), by)))


def grant_access(
    conn: Connection, role: str, kind: Literal["worker", "relay", "client", "operator"]
) -> int:
    """Let a Postgres role do one kind of work; return how many functions and views it may use."""
    ((count,),) = change(conn, GRANT_ACCESS, (role, kind))
    return count


def _columns(keys: Sequence[Key]) -> tuple[list[object], list[str]]:
    return [key.instance_id for key in keys], [key.task for key in keys]
