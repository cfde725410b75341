"""Calls that send what instances wait for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, LiteralString, TypeAlias, cast
from uuid import UUID

from ..ids import make_ids
from ..json_text import Json
from ..tracing import Trace
from .base import Connection, Record, Row, fetch, json_array, json_of, trace_of, word
from .reads import Query
from .slow_expressions import in_time
from .workflows import OUTCOMES, Labels, Started, require_offset

SEND_SIGNALS: Final[LiteralString] = """
select instance_id, outcome, task, detail, faults
  from onceflow.send_signals(p_instance_ids => %s::uuid[], p_names => %s::text[],
                             p_payloads => %s::jsonb[], p_keys => %s::text[])
 order by ordinal"""

SEND_EVENTS: Final[LiteralString] = """
select id, outcome, waited, detail
  from onceflow.send_events(p_names => %s::text[], p_keys => %s::text[], p_payloads => %s::jsonb[],
                            p_ids => %s::text[])
 order by ordinal"""

SIGNAL_WITH_START: Final[LiteralString] = """
select instance_id, outcome, state, error, signal, task, detail, faults
  from onceflow.signal_with_start(p_workflow => %s::text, p_input => %s::jsonb, p_key => %s::text,
                                  p_name => %s::text, p_payload => %s::jsonb,
                                  p_signal_key => %s::text, p_version => %s::int,
                                  p_id => %s::uuid, p_start_at => %s::timestamptz,
                                  p_trace => %s::jsonb, p_labels => %s::jsonb)"""

KEPT_SIGNAL: Final[LiteralString] = "name, key, sent_at"
"""The columns of a kept signal, as every door tells them."""
AT_ONCE: Final = 500
"""Deliveries that the sender of events applies himself, of all that are due; the clock the rest."""

SignalWord: TypeAlias = Literal[
    "accepted", "repeated", "conflict", "ended", "unknown", "invalid", "full"
]


EventWord: TypeAlias = Literal["sent", "repeated", "conflict", "invalid"]


class NamedEvent(Record, frozen=True):
    """An event, for whoever waits for its name and key; under one ``id`` it is taken once."""

    name: str
    key: str
    payload: Json = None
    id: str | None = None


class Signal(Record, frozen=True):
    """A signal to an instance; under one ``key`` it is taken once, however often it is sent."""

    instance_id: UUID
    name: str
    payload: Json = None
    key: str | None = None


class StartSignal(Record, frozen=True):
    """A signal to an instance that is started, or found, with it."""

    name: str
    payload: Json = None
    key: str | None = None


class SignalledStart(Record, frozen=True):
    """What became of a start with a signal, and of the signal; None where there is no instance."""

    started: Started
    sent: "SentSignal | None"


class SentEvent(Record, frozen=True):
    """What became of one event; ``waited`` is how many steps waited for it.

    ``sent``: they get it, and so do those that begin to wait while it is kept. ``repeated``: it
    came before. ``conflict``: another one of its name came before under its id.
    """

    id: str
    outcome: EventWord
    waited: int
    detail: str


class SentSignal(Record, frozen=True):
    """What became of one signal.

    ``accepted``: ``task`` has taken it, or (None) it is kept until one waits for it. ``repeated``:
    it came before. ``conflict``: another one came before under its key. Else it was refused, and
    ``detail`` says why in words; ``faults`` are those of an invalid payload, as far as Postgres
    checks it, each with its place, a JSON pointer.
    """

    instance_id: UUID
    outcome: SignalWord
    task: str | None
    detail: str
    faults: list[dict[str, Any]] | None = None


def find_schema(instance: UUID, name: str) -> Query:
    """Ask for the JSON Schema of a signal's payload, as ``schema``: no row where it has none.

    Postgres checks a part of it; for all of it the sender checks what he sends (``check_input``).
    """
    text: LiteralString = """
select v.signals -> %(name)s::text -> 'schema' as schema
  from onceflow.instances i join onceflow.workflow_versions v on v.version_id = i.version_id
 where i.id = %(instance)s and i.ended_at is null
   and v.signals -> %(name)s::text -> 'schema' <> 'null'"""
    return Query(text, {"instance": instance, "name": name})


def find_schema_at_start(
    workflow: str, version: int, key: str | None, instance: UUID | None, name: str
) -> Query:
    """Ask the same of a signal that a start brings, to a version of a workflow, by its name.

    Where the key or id has an instance already it is its version that counts, if it is open.
    """
    text: LiteralString = """
select v.signals -> %(name)s::text -> 'schema' as schema
  from onceflow.workflow_versions v
  left join onceflow.instances i on i.workflow = v.name and i.id = coalesce(
       (select k.instance_id from onceflow.idempotency_keys k
         where k.workflow = %(workflow)s and k.key = %(key)s::text), %(instance)s::uuid)
 where v.name = %(workflow)s and v.version = coalesce(i.version, %(version)s::int)
   and i.ended_at is null and v.signals -> %(name)s::text -> 'schema' <> 'null'"""
    parameters = {"workflow": workflow, "version": version, "key": key, "instance": instance}
    return Query(text, {**parameters, "name": name})


def list_kept_signals(columns: LiteralString, instance: UUID) -> Query:
    """Ask for the signals that an instance keeps, in the order in which they came: 1,000 at most.

    No step has taken them: each waits for one that begins to wait for its name.
    """
    text: LiteralString = (
        f"select {columns} from onceflow.kept_signals where instance_id = %(instance)s order by id"
    )
    return Query(text, {"instance": instance})


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


def signal_with_start(
    conn: Connection,
    workflow: str,
    given: Json,
    key: str | None,
    signal: StartSignal,
    version: int | None = None,
    id: UUID | None = None,  # noqa: A002 - the parameter's name
    start_at: datetime | None = None,
    trace: Trace | None = None,
    labels: Labels | None = None,
) -> SignalledStart:
    """Start an instance, or find that of the key or id, and send it a signal, in one transaction.

    A repetition does no harm with a key of the signal's, and a key or an id. Raises NotFound, and
    BadArgument where one that would be started does not take the signal: then nothing was started.
    An instance that exists may refuse it, as ``sent`` tells.
    """
    parameters = (
        workflow,
        json_of(given),
        key,
        signal.name,
        json_of(signal.payload),
        signal.key,
        version,
        id or make_ids(1)[0],
        require_offset(start_at),
        trace_of(trace),
        None if labels is None else json_of(cast(Json, labels)),
    )
    (row,) = in_time(conn, lambda: fetch(conn, SIGNAL_WITH_START, parameters))
    found, outcome, state, error, *sent = row
    started = Started(found, word(outcome, *OUTCOMES), state, error)
    return SignalledStart(started, None if sent[0] is None else _sent((found, *sent)))


def send_events(conn: Connection, events: Sequence[NamedEvent]) -> list[SentEvent]:
    """Send events; an answer for each, in order.

    Who waits gets them as ``apply_deliveries`` is called next, by the caller or the clock.
    """
    ids = [event.id for event in events]
    parameters = (
        [event.name for event in events],
        [event.key for event in events],
        json_array([event.payload for event in events]),
        ids if any(each is not None for each in ids) else None,
    )
    return [_sent_event(row) for row in fetch(conn, SEND_EVENTS, parameters)]


def _sent_event(row: Row) -> SentEvent:
    event_id, outcome, waited, detail = row
    known: EventWord = word(outcome, "sent", "repeated", "conflict", "invalid")
    return SentEvent(event_id, known, waited, detail)


def _sent(row: Row) -> SentSignal:
    instance_id, outcome, task, detail, faults = row
    known: SignalWord = word(
        outcome, "accepted", "repeated", "conflict", "ended", "unknown", "invalid", "full"
    )
    return SentSignal(instance_id, known, task, detail, faults)
