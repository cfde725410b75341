"""Calls that send what instances wait for."""

from collections.abc import Sequence
from typing import Final, Literal, LiteralString, TypeAlias
from uuid import UUID

from ..json_text import Json
from .base import Connection, Record, Row, fetch, json_array, word
from .slow_expressions import in_time

SEND_SIGNALS: Final[LiteralString] = """
select instance_id, outcome, task, detail
  from onceflow.send_signals(p_instance_ids => %s::uuid[], p_names => %s::text[],
                             p_payloads => %s::jsonb[], p_keys => %s::text[])
 order by ordinal"""

SignalWord: TypeAlias = Literal[
    "accepted", "repeated", "conflict", "ended", "unknown", "invalid", "full"
]


class Signal(Record, frozen=True):
    """A signal to an instance; under one ``key`` it is taken once, however often it is sent."""

    instance_id: UUID
    name: str
    payload: Json = None
    key: str | None = None


class SentSignal(Record, frozen=True):
    """What became of one signal.

    ``accepted``: ``task`` has taken it, or (None) it is kept until one waits for it. ``repeated``:
    it came before. ``conflict``: another one came before under its key. Else it was refused, and
    ``detail`` says why in words.
    """

    instance_id: UUID
    outcome: SignalWord
    task: str | None
    detail: str


def send_signals(conn: Connection, signals: Sequence[Signal]) -> list[SentSignal]:
    """Send signals; an answer for each, in order."""
    keys = [signal.key for signal in signals]
    parameters = (
        [signal.instance_id for signal in signals],
        [signal.name for signal in signals],
        json_array([signal.payload for signal in signals]),
        keys if any(key is not None for key in keys) else None,
    )
    return [_sent(row) for row in in_time(conn, lambda: fetch(conn, SEND_SIGNALS, parameters))]


def _sent(row: Row) -> SentSignal:
    instance_id, outcome, task, detail = row
    known: SignalWord = word(
        outcome, "accepted", "repeated", "conflict", "ended", "unknown", "invalid", "full"
    )
    return SentSignal(instance_id, known, task, detail)
