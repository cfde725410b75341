"""Calls of the relay about topics whose records start instances, or are events."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, LiteralString, NamedTuple

from ..base import Connection, Record, array_of, fetch, text_array, word

LIST_TOPIC_TRIGGERS: Final[LiteralString] = """
select workflow, trigger, topic, consumer_group, format, takes, released, is_checked
  from onceflow.list_topic_triggers()"""

OPEN_POSITIONS: Final[LiteralString] = """
select partition, position, note
  from onceflow.open_positions(p_workflow => %s::text, p_trigger => %s::text, p_topic => %s::text,
                               p_topic_id => %s::text, p_partitions => %s::int[])"""

MOVE_POSITION: Final[LiteralString] = """
select onceflow.move_position(p_workflow => %s::text, p_trigger => %s::text, p_topic => %s::text,
                              p_topic_id => %s::text, p_partition => %s::int, p_from => %s::bigint,
                              p_to => %s::bigint)"""

TAKE_RECORDS: Final[LiteralString] = """
select partition, answer, position, started, known, passed_over, quarantined
  from onceflow.take_records(p_workflow => %s::text, p_trigger => %s::text, p_topic => %s::text,
                             p_topic_id => %s::text, p_partitions => %s::int[],
                             p_from => %s::bigint[], p_next => %s::bigint[], p_ids => %s::uuid[],
                             p_places => %s::int[], p_offsets => %s::bigint[],
                             p_records => %s::jsonb[], p_reasons => %s::text[],
                             p_payloads => %s::bytea[], p_released => %s::bigint[],
                             p_version_id => %s::bigint)"""

PREVIEW_RECORDS: Final[LiteralString] = """
select array(select i::text from unnest(p.inputs) with ordinality x (i, n) order by n),
       p.schema::text, p.version_id
  from onceflow.preview_records(p_workflow => %s::text, p_trigger => %s::text, p_topic => %s::text,
                                p_ids => %s::uuid[], p_records => %s::jsonb[],
                                p_reasons => %s::text[]) p"""

READ_RELEASED: Final[LiteralString] = """
select id, topic, partition, "offset", record::text, payload
  from onceflow.read_released(p_workflow => %s::text, p_trigger => %s::text, p_limit => %s::int)"""

NOTE_TOPIC: Final[LiteralString] = """
select onceflow.note_topic(p_workflow => %s::text, p_trigger => %s::text, p_topic => %s::text,
                           p_problem => %s::text, p_partitions => %s::int[],
                           p_ends => %s::bigint[])"""


class TopicTrigger(Record, frozen=True):
    """An entry of a workflow that a topic's records start.

    ``group`` is None unless the definition names one. ``takes``: neither is it paused nor its
    workflow disabled. ``released``: records in quarantine are to be taken again. ``is_checked``:
    what they would start is checked first by whoever takes them (``preview_records``).
    """

    workflow: str
    trigger: str
    topic: str
    group: str | None
    format: str
    takes: bool
    released: bool
    is_checked: bool


class Position(Record, frozen=True):
    """Where a partition is to be read from; ``note`` says what is to be told of that, if it is."""

    partition: int
    position: int
    note: str | None


class TopicRecord(NamedTuple):
    """A record of a topic with its place.

    ``text`` is the JSON of what expressions see, without the value where that could not be read:
    then ``payload`` has it as it came, and ``reason`` says why. ``released``: the row of the
    quarantine that it stands in.
    """

    partition: int
    offset: int
    text: str
    reason: str = ""
    payload: bytes | None = None
    released: int | None = None


class Source(NamedTuple):
    """Whose records: those of a trigger, of this topic; ``topic_id`` is empty where it has none."""

    workflow: str
    trigger: str
    topic: str
    topic_id: str = ""


class Span(NamedTuple):
    """What is taken of a partition: from where it is believed to stand up to, not with, ``end``."""

    begin: int
    end: int


class TakenRecords(Record, frozen=True):
    """What became of the records of one partition; None: of those that stood in quarantine.

    ``taken``, each with what it was for. ``moved``: none of them, for the partition stands at
    ``position``. ``halted``: none, for the trigger takes nothing now. ``stale``: none, for these
    are offsets of another topic than the one of this name now. ``known``: its key had started an
    instance before. What was sent as an event counts as ``started``, what another entry had sent as
    ``known``.
    """

    partition: int | None
    answer: Literal["taken", "moved", "stale", "halted"]
    position: int | None
    started: int
    known: int
    passed_over: int
    quarantined: int


class ReleasedRecord(Record, frozen=True):
    """A record in quarantine that is to be taken again; ``payload``: its value was unreadable."""

    id: int
    topic: str
    partition: int
    offset: int
    text: str
    payload: bytes | None


class Preview(Record, frozen=True):
    """What records would start: of each the input as JSON text, None where it starts nothing.

    ``schema`` is the JSON text of the schema by all of which the inputs are to be checked, None
    where Postgres checks it all; ``version_id`` is the version that has it.
    """

    inputs: list[str | None]
    schema: str | None
    version_id: int


def list_topic_triggers(conn: Connection) -> list[TopicTrigger]:
    """Return the entries of all workflows that a topic's records start."""
    return [TopicTrigger(*row) for row in fetch(conn, LIST_TOPIC_TRIGGERS)]


def open_positions(
    conn: Connection, source: Source, partitions: Sequence[int]
) -> dict[int, Position]:
    """Return where each partition is to be read from; empty where the trigger is gone.

    A topic of a new id begins anew. An id that the topic had once is refused as stale: Refused.
    """
    rows = fetch(conn, OPEN_POSITIONS, (*source, list(partitions)))
    return {row[0]: Position(*row) for row in rows}


def move_position(conn: Connection, source: Source, partition: int, span: Span) -> bool:
    """Have a partition be read from the span's end; False where it does not stand at its begin."""
    ((moved,),) = fetch(conn, MOVE_POSITION, (*source, partition, span.begin, span.end))
    return moved


def take_records(
    conn: Connection,
    source: Source,
    spans: Mapping[int, Span],
    ids: Sequence[str],
    records: Sequence[TopicRecord],
    version_id: int | None = None,
) -> list[TakenRecords]:
    """Take records of a topic: one transaction that starts what they are for and moves on.

    ``spans`` are the partitions that they are of, with where each is believed to stand. ``ids`` are
    of ``engine.ids.make_hex_ids``, one for each record: its instance's, if it starts one.
    ``version_id`` is that of the preview by whose schema they were checked.
    """
    partitions = sorted(spans)
    unread = any(record.reason for record in records)
    released = any(record.released is not None for record in records)
    parameters = (
        *source,
        partitions,
        [spans[number].begin for number in partitions],
        [spans[number].end for number in partitions],
        array_of(ids),
        _numbers([record.partition for record in records]),
        _numbers([record.offset for record in records]),
        text_array([record.text for record in records]),
        [record.reason or None for record in records] if unread else None,
        [record.payload for record in records] if unread else None,
        [record.released for record in records] if released else None,
        version_id,
    )
    return [
        TakenRecords(row[0], word(row[1], "taken", "moved", "stale", "halted"), *row[2:])
        for row in fetch(conn, TAKE_RECORDS, parameters)
    ]


def preview_records(
    conn: Connection, source: Source, ids: Sequence[str], records: Sequence[TopicRecord]
) -> Preview | None:
    """Return what records would start, by the version that runs now; None: the trigger is gone."""
    unread = any(record.reason for record in records)
    parameters = (
        *source[:3],
        array_of(ids),
        text_array([record.text for record in records]),
        [record.reason or None for record in records] if unread else None,
    )
    rows = fetch(conn, PREVIEW_RECORDS, parameters)
    return Preview(*rows[0]) if rows else None


def read_released(
    conn: Connection, workflow: str, trigger: str, limit: int
) -> list[ReleasedRecord]:
    """Return records in quarantine that are to be taken again."""
    return [ReleasedRecord(*row) for row in fetch(conn, READ_RELEASED, (workflow, trigger, limit))]


def note_topic(conn: Connection, source: Source, problem: str, ends: Mapping[int, int]) -> None:
    """Note what is wrong with a trigger's topic (empty: nothing), and where its logs end."""
    parameters = (*source[:3], problem, list(ends), list(ends.values()))
    fetch(conn, NOTE_TOPIC, parameters)


def _numbers(values: Sequence[int]) -> str:
    return array_of([str(value) for value in values])
