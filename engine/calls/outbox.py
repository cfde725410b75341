"""Calls of the relay about messages, and of handlers and workers that make some."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

import msgspec

from .base import Connection, Record, change, fetch, fetch_value, json_of, text_array, word
from .tasks import GRANT, Grant

TAKE_OUTBOX: Final[LiteralString] = """
select id, kind, topic, key, value, headers::text from onceflow.take_outbox(p_limit => %s::int,
                                                                          p_bytes => %s::bigint)"""

DROP_OUTBOX: Final[LiteralString] = """
select onceflow.drop_outbox(p_ids => %s::bigint[])"""

DEFER_OUTBOX: Final[LiteralString] = """
select id, outcome from onceflow.defer_outbox(p_ids => %s::bigint[], p_errors => %s::text[],
                                      p_hopeless => %s::bigint[])"""

PUBLISH_EVENTS: Final[LiteralString] = """
select onceflow.publish_events(p_topics => %s::text[], p_keys => %s::text[],
                               p_values => %s::text[], p_headers => %s::jsonb[],
                               p_event_ids => %s::text[])"""

QUARANTINE_MESSAGES: Final[LiteralString] = """
select onceflow.quarantine_messages(p_topics => %s::text[], p_partitions => %s::int[],
                                    p_offsets => %s::bigint[], p_payloads => %s::bytea[],
                                    p_reasons => %s::text[])"""

RELEASE_QUARANTINE: Final[LiteralString] = """
select onceflow.release_quarantine(p_cell => %s::int, p_ids => %s::bigint[])"""

TAKE_TASKS: Final[LiteralString] = f"""
select instance_id, task, answer, {GRANT}
  from onceflow.take_tasks(p_worker_id => %s::uuid, p_token => %s::uuid, p_call => %s::bigint,
                           p_queues => %s::text[], p_limit => %s::int)"""

REQUIRE_TRANSPORT: Final[LiteralString] = """
select onceflow.require_transport(p_transport => %s::text)"""

LIST_QUEUES: Final[LiteralString] = """
select queue from onceflow.list_queues() as queue order by queue"""

READ_WATERMARK: Final[LiteralString] = """
select onceflow.read_watermark()::text"""

REQUEUE_LOST_TASKS: Final[LiteralString] = """
select onceflow.requeue_lost_tasks(p_queue => %s::text, p_before => %s::text::xid8,
                                   p_limit => %s::int, p_skip => %s::int)"""


class OutboxRow(Record, frozen=True):
    """A message to be shipped, locked until the transaction ends.

    ``topic`` is a queue's name where ``kind`` is ``task``, else a topic as the user named it.
    ``headers`` are None where what stands there are no texts by names.
    """

    id: int
    kind: Literal["task", "event", "dead_letter", "form"]
    topic: str
    key: str | None
    value: str
    headers: dict[str, str] | None


class Deferred(Record, frozen=True):
    """An outbox row that could not be shipped: it is tried later, or has been given up."""

    id: int
    outcome: Literal["deferred", "quarantined"]


class Taken(Record, frozen=True):
    """A message that was taken out of the outbox, and what became of it.

    ``granted`` and ``skipped`` as in ``Claimed``; ``quarantined``: it names no task, maybe nothing.
    """

    instance_id: UUID | None
    task: str | None
    answer: Literal["granted", "skipped", "held", "quarantined"]
    grant: Grant | None = None


class Event(Record, frozen=True):
    """A message of a handler to the world. It is delivered at least once, always with its id."""

    topic: str
    key: str | None
    value: str
    headers: Mapping[str, str]
    event_id: str


class BadMessage(Record, frozen=True):
    """A Kafka message that cannot be read or names nothing known."""

    topic: str
    partition: int
    offset: int
    payload: bytes | None
    reason: str


def take_outbox(
    conn: Connection, limit: int, most_bytes: int = 32 * 1024 * 1024
) -> list[OutboxRow]:
    """Lock up to ``limit`` rows that are due and that nobody else holds, oldest first.

    Their values are ``most_bytes`` together, or the last of them is what passes that.

    Call it inside a transaction: the lock is what keeps other relays away.
    """
    return [
        OutboxRow(
            row_id,
            word(kind, "task", "event", "dead_letter", "form"),
            topic,
            key,
            value,
            _headers(headers),
        )
        for row_id, kind, topic, key, value, headers in fetch(
            conn, TAKE_OUTBOX, (limit, most_bytes)
        )
    ]


def drop_outbox(conn: Connection, ids: Sequence[int]) -> int:
    """Delete shipped rows, in the transaction that took them; return how many."""
    return fetch_value(conn, DROP_OUTBOX, (list(ids),))


def defer_outbox(
    conn: Connection, ids: Sequence[int], errors: Sequence[str], hopeless: Iterable[int] = ()
) -> list[Deferred]:
    """Put rows off that could not be shipped, each with its error; in the end, give them up.

    ``hopeless`` are those among them that are given up at once.
    """
    return [
        Deferred(row_id, word(outcome, "deferred", "quarantined"))
        for row_id, outcome in fetch(conn, DEFER_OUTBOX, (list(ids), list(errors), list(hopeless)))
    ]


def publish_events(conn: Connection, events: Sequence[Event]) -> int:
    """Put events into the outbox, in the caller's transaction; return how many."""
    return fetch_value(conn, PUBLISH_EVENTS, _event_columns(events))


def quarantine_messages(conn: Connection, messages: Sequence[BadMessage]) -> int:
    """Keep messages that no claim can be made of; return how many were not there yet."""
    parameters = (
        [message.topic for message in messages],
        [message.partition for message in messages],
        [message.offset for message in messages],
        [message.payload for message in messages],
        [message.reason for message in messages],
    )
    return fetch_value(conn, QUARANTINE_MESSAGES, parameters)


def release_quarantine(conn: Connection, cell: int, ids: Sequence[int]) -> int:
    """Put quarantined outbox rows of a cell back into the outbox; return how many."""
    ((count,),) = change(conn, RELEASE_QUARANTINE, (cell, list(ids)))
    return count


def take_tasks(
    conn: Connection,
    worker_id: UUID,
    token: UUID,
    call: int,
    queues: Sequence[str],
    limit: int,
    *,
    inputs: bool = True,
) -> list[Taken]:
    """Take up to ``limit`` messages of ``queues`` out of the outbox and claim their tasks.

    ``token``, ``call`` and ``inputs`` as in ``claim_tasks``. Raises WorkerNotLive.
    """
    parameters = (worker_id, token, call, text_array(queues), limit)
    return [
        Taken(
            row[0],
            row[1],
            word(row[2], "granted", "skipped", "held", "quarantined"),
            Grant(row[0], row[1], *row[3:]) if row[2] == "granted" else None,
        )
        for row in fetch(
            conn, TAKE_TASKS if inputs else TAKE_TASKS.replace("input::text", "''"), parameters
        )
    ]


def require_transport(conn: Connection, transport: str) -> None:
    """Raise Refused unless messages travel by ``transport``; in a transaction it stays so."""
    fetch(conn, REQUIRE_TRANSPORT, (transport,))


def list_queues(conn: Connection) -> list[str]:
    """Return the queues that definitions or workers name."""
    return [queue for (queue,) in fetch(conn, LIST_QUEUES)]


def read_watermark(conn: Connection) -> str:
    """Return the transaction id before which every queued task's row has left the outbox.

    It is an xid8 as text: what an older transaction queued was shipped before this call.
    """
    return fetch_value(conn, READ_WATERMARK)


def requeue_lost_tasks(conn: Connection, queue: str, before: str, limit: int, skip: int = 0) -> int:
    """Ship again up to ``limit`` tasks of ``queue``, QUEUED by transactions older than ``before``.

    The caller has found that the broker holds no unread message of theirs. ``skip`` passes over the
    first so many of them, where one cannot be handled. Returns how many.
    """
    return fetch_value(conn, REQUEUE_LOST_TASKS, (queue, before, limit, skip))


def _headers(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    return {} if text == "{}" else msgspec.json.decode(text, type=dict[str, str])


def _event_columns(events: Sequence[Event]) -> tuple[list[Any], ...]:
    return (
        [event.topic for event in events],
        [event.key for event in events],
        [event.value for event in events],
        [json_of(event.headers) for event in events],
        [event.event_id for event in events],
    )
