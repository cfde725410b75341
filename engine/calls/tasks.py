"""Calls of a worker about tasks: claim, read, complete, fail, give back.

Every function takes a set and answers for each item, and works on any connection: a handler may
complete its task on one of its own, inside its own transaction.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, LiteralString, TypeAlias
from uuid import UUID

from .. import json_text
from ..json_text import Json
from .base import (
    Connection,
    Key,
    Record,
    Row,
    fetch,
    json_array,
    json_of,
    text_array,
    uuid_array,
    word,
)
from .slow_expressions import in_time

GRANT: Final[LiteralString] = """fence, handler, queue, input::text, attempt, timeout, key,
       workflow, version, compensation, extra::text"""

CLAIM_TASKS: Final[LiteralString] = f"""
select instance_id, task, answer, {GRANT}
  from onceflow.claim_tasks(p_worker_id => %s::uuid, p_token => %s::uuid, p_call => %s::bigint,
                            p_instance_ids => %s::uuid[], p_tasks => %s::text[])"""

COMPLETE_TASKS: Final[LiteralString] = f"""
select instance_id, task, answer, state, {GRANT}
  from onceflow.complete_tasks(p_worker_id => %s::uuid, p_instance_ids => %s::uuid[],
                               p_tasks => %s::text[], p_fences => %s::uuid[],
                               p_outputs => %s::jsonb[], p_token => %s::uuid,
                               p_call => %s::bigint, p_room => %s::int)"""

FAIL_TASKS: Final[LiteralString] = """
select instance_id, task, answer, state
  from onceflow.fail_tasks(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                           p_fences => %s::uuid[], p_errors => %s::jsonb[],
                           p_retryable => %s::boolean[], p_retries => %s::jsonb[])"""

GIVE_BACK_TASKS: Final[LiteralString] = """
select instance_id, task, answer, state
  from onceflow.give_back_tasks(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                                p_fences => %s::uuid[], p_started => %s::boolean[])"""

DEFER_TASKS: Final[LiteralString] = """
select instance_id, task, answer, state
  from onceflow.defer_tasks(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                            p_fences => %s::uuid[], p_timeouts => %s::float8[])"""

READ_OUTCOMES: Final[LiteralString] = """
select instance_id, task, answer, state
  from onceflow.read_outcomes(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                              p_fences => %s::uuid[])"""

Verdict: TypeAlias = Literal["accepted", "repeated", "stale", "running", "granted"]


class Grant(Record, frozen=True):
    """A task that a worker holds, with all it needs to run it.

    ``fence`` proves the holder (it is the token of the call that gave the task out). ``timeout`` is
    in seconds, of this attempt. ``key`` is the idempotency key, the same in every attempt.
    ``extra_json`` is None: the place of what a later release tells besides.
    """

    instance_id: UUID
    task: str
    fence: UUID
    handler: str
    queue: str
    input_json: str
    attempt: int
    timeout: float | None
    key: str
    workflow: str
    version: int
    compensation: bool
    extra_json: str | None = None

    @property
    def input(self) -> Json:
        """The input as plain values, floats included; decode ``input_json`` by type to be exact."""
        return json_text.decode(self.input_json)


class Claimed(Record, frozen=True):
    """The answer to one claim.

    ``granted``: RUNNING under the caller's token, as ``grant`` tells. ``skipped``: a duplicate,
    cancelled or stale message, or one that has to wait; nothing is lost. ``held``: the worker has
    not registered its handler, and it comes to another. ``unknown``: it names nothing known.
    """

    instance_id: UUID
    task: str
    answer: Literal["granted", "skipped", "held", "unknown"]
    grant: Grant | None = None


class Fenced(Record, frozen=True):
    """A task and the fence under which the caller held it."""

    instance_id: UUID
    task: str
    fence: UUID


class Completion(Record, frozen=True):
    """A task's output. Bytes are taken to be JSON text already."""

    instance_id: UUID
    task: str
    fence: UUID
    output: Json


class Failure(Record, frozen=True):
    """A task's error.

    ``error``: ``{"code": "http.503", "message": "…"}`` and, where they apply, ``type``, ``detail``,
    ``"unknown": true`` (the effect may have happened) and ``retry_after`` (seconds). ``retry`` is
    the handler's own policy (attempts, backoff, factor, max, jitter; in seconds), for a step that
    has none. ``"unknown_field": true`` in the error: the handler was not called, as its input has a
    field that it does not take; a worker of another release may know it.
    """

    instance_id: UUID
    task: str
    fence: UUID
    error: dict[str, Any]
    retryable: bool
    retry: dict[str, Any] | None = None


class GiveBack(Record, frozen=True):
    """A task returned undone; ``started`` where its handler had begun (its effect is unknown)."""

    instance_id: UUID
    task: str
    fence: UUID
    started: bool


class Deferral(Record, frozen=True):
    """A task left to be answered from outside, within ``timeout`` seconds."""

    instance_id: UUID
    task: str
    fence: UUID
    timeout: float


class Answer(Record, frozen=True):
    """What became of one completion, failure or give-back; or a task that was handed off.

    ``accepted``: recorded now. ``repeated``: it was recorded under this fence before. ``stale``:
    the fence is not the task's; nothing has changed. ``running`` (read_outcomes only): not
    recorded, so its transaction rolled back. ``granted`` (complete_tasks only): handed to the
    caller, as ``grant`` tells. ``state`` is the task's.
    """

    instance_id: UUID
    task: str
    answer: Verdict
    state: str | None
    grant: Grant | None = None


def claim_tasks(
    conn: Connection,
    worker_id: UUID,
    token: UUID,
    call: int,
    keys: Sequence[Key],
    *,
    inputs: bool = True,
) -> list[Claimed]:
    """Claim tasks under ``token``, made by the caller for this call alone and sent again with it.

    ``call`` is the worker's counter of claiming calls. Without ``inputs`` these are left empty: for
    a task that is to be failed, since its input cannot be sent. Raises WorkerNotLive.
    """
    parameters = (
        worker_id,
        token,
        call,
        uuid_array(key.instance_id for key in keys),
        text_array([key.task for key in keys]),
    )
    return [
        Claimed(
            row[0],
            row[1],
            word(row[2], "granted", "skipped", "held", "unknown"),
            Grant(row[0], row[1], *row[3:]) if row[2] == "granted" else None,
        )
        for row in fetch(
            conn, CLAIM_TASKS if inputs else CLAIM_TASKS.replace("input::text", "''"), parameters
        )
    ]


def complete_tasks(
    conn: Connection,
    worker_id: UUID,
    completions: Sequence[Completion],
    token: UUID | None = None,
    call: int = 0,
    room: int = 0,
    *,
    evaluate: bool = True,
) -> list[Answer]:
    """Record outputs and move the instances on; an answer for each, in order, and then the grants.

    With a ``token`` and ``room`` above 0, up to ``room`` tasks that come due on this worker's
    queues are handed to it, RUNNING under the token: an answer ``granted`` for each. Without
    ``evaluate``, expressions of what comes due are failed: for a completion that took too long.
    """
    parameters = _completion_parameters(worker_id, completions, token, call, room)
    if evaluate:
        return _answers(in_time(conn, lambda: fetch(conn, COMPLETE_TASKS, parameters)))
    with conn.transaction():
        fetch(conn, "select pg_catalog.set_config('onceflow.late', '*', true)")
        return _answers(fetch(conn, COMPLETE_TASKS, parameters))


def fail_tasks(conn: Connection, failures: Sequence[Failure]) -> list[Answer]:
    """Record errors; each task goes to RETRYING, DEAD_LETTER, CANCELLED …, as ``state`` tells."""
    parameters = (
        *_fenced_columns(failures),
        json_array([failure.error for failure in failures]),
        [failure.retryable for failure in failures],
        [None if failure.retry is None else json_of(failure.retry) for failure in failures],
    )
    return _answers(in_time(conn, lambda: fetch(conn, FAIL_TASKS, parameters)))


def give_back_tasks(conn: Connection, give_backs: Sequence[GiveBack]) -> list[Answer]:
    """Return tasks undone, to be given out again; this costs no retry."""
    parameters = (
        *_fenced_columns(give_backs),
        [item.started for item in give_backs],
    )
    return _answers(in_time(conn, lambda: fetch(conn, GIVE_BACK_TASKS, parameters)))


def defer_tasks(conn: Connection, deferrals: Sequence[Deferral]) -> list[Answer]:
    """Leave tasks to be answered from outside, by their tokens; see ``calls.deferred``."""
    parameters = (*_fenced_columns(deferrals), [item.timeout for item in deferrals])
    return _answers(in_time(conn, lambda: fetch(conn, DEFER_TASKS, parameters)))


def read_outcomes(conn: Connection, fences: Sequence[Fenced]) -> list[Answer]:
    """Tell what became of completions whose answer was lost; it waits for the rows' locks."""
    return _answers(fetch(conn, READ_OUTCOMES, _fenced_columns(fences)))


def _fenced_columns(
    items: Sequence[Fenced]
    | Sequence[Completion]
    | Sequence[Failure]
    | Sequence[Deferral]
    | Sequence[GiveBack],
) -> tuple[str, str, str]:
    return (
        uuid_array(item.instance_id for item in items),
        text_array(item.task for item in items),
        uuid_array(item.fence for item in items),
    )


def _completion_parameters(
    worker_id: UUID,
    completions: Sequence[Completion],
    token: UUID | None,
    call: int,
    room: int,
) -> tuple[Any, ...]:
    outputs = json_array([completion.output for completion in completions])
    return (worker_id, *_fenced_columns(completions), outputs, token, call, room)


def _answers(rows: list[Row]) -> list[Answer]:
    return [
        Answer(
            instance_id,
            task,
            word(answer, "accepted", "repeated", "stale", "running", "granted"),
            state,
            Grant(instance_id, task, *grant) if answer == "granted" else None,
        )
        for instance_id, task, answer, state, *grant in rows
    ]
