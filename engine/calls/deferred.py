"""Calls that answer deferred tasks from outside: by their tokens, which only SQL reads."""

import hashlib
from collections.abc import Sequence
from typing import Final, Literal, LiteralString, TypeAlias
from uuid import UUID

from ..json_text import Json
from .base import Connection, Record, Row, fetch, json_array, text_array, word
from .slow_expressions import in_time

COMPLETE_DEFERRED_TASKS: Final[LiteralString] = """
select token, answer, state
  from onceflow.complete_deferred_tasks(p_tokens => %s::text[], p_outputs => %s::jsonb[])"""

FAIL_DEFERRED_TASKS: Final[LiteralString] = """
select token, answer, state
  from onceflow.fail_deferred_tasks(p_tokens => %s::text[], p_errors => %s::jsonb[],
                                    p_retryable => %s::boolean[])"""

OutsideVerdict: TypeAlias = Literal["accepted", "repeated", "stale"]


class AnsweredToken(Record, frozen=True):
    """What became of one answer from outside.

    ``accepted``: recorded now. ``repeated``: the attempt was answered before, under this token.
    ``stale``: the attempt is over, by its timeout or the end of its instance; nothing has changed.
    ``state`` is the task's.
    """

    token: str
    answer: OutsideVerdict
    state: str | None


def token_of(instance_id: UUID, task: str, fence: UUID) -> str:
    """Return the token by which one attempt is answered from outside.

    It shows a digest: tasks that were claimed together have one fence, and whoever has the token of
    one of them is to answer no other.
    """
    digest = hashlib.sha256(f"{instance_id}:{task}:{fence}".encode()).hexdigest()[:32]
    return f"{instance_id}:{digest}:{task}"


def complete_deferred_tasks(
    conn: Connection, tokens: Sequence[str], outputs: Sequence[Json]
) -> list[AnsweredToken]:
    """Record outputs from outside; an answer for each token, in order."""
    parameters = (text_array(list(tokens)), json_array(list(outputs)))
    return _answers(in_time(conn, lambda: fetch(conn, COMPLETE_DEFERRED_TASKS, parameters)))


def fail_deferred_tasks(
    conn: Connection,
    tokens: Sequence[str],
    errors: Sequence[Json],
    retryable: Sequence[bool],
) -> list[AnsweredToken]:
    """Record errors ``{"code", "message", …}`` from outside; an answer for each token, in order."""
    parameters = (text_array(list(tokens)), json_array(list(errors)), list(retryable))
    return _answers(in_time(conn, lambda: fetch(conn, FAIL_DEFERRED_TASKS, parameters)))


def _answers(rows: list[Row]) -> list[AnsweredToken]:
    return [
        AnsweredToken(token, word(answer, "accepted", "repeated", "stale"), state)
        for token, answer, state in rows
    ]
