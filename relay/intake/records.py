"""From a message of Kafka to the record that expressions of a definition see, or why there is none.

Whatever a stranger has sent gives a record; of one whose value cannot be read a reason says why.
Nothing here raises for what stands in a message.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, cast

import msgspec
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from ...engine.calls import TopicRecord
from ...engine.json_text import require_json
from ...engine.payloads import payload_fault, unkept
from ...engine.tracing import Trace, read_trace

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Headers(msgspec.Struct, frozen=True):
    headers: dict[str, str] = {}


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Headers).decode


class Unreadable(Exception):
    """The value of a record is not what its format says; the text says why."""


class Format(Protocol):
    """Reads values of one format."""

    def json_of(self, value: bytes, topic: str) -> bytes:
        """Return a value as JSON text that Postgres keeps. Raises Unreadable."""
        ...


class JsonFormat:
    """Values that are JSON texts."""

    def json_of(self, value: bytes, topic: str) -> bytes:
        """Return the value as it stands, once it is known to be JSON that Postgres keeps."""
        return kept(value)


def kept(text: bytes) -> bytes:
    """Return a JSON text that Postgres keeps as it stands. Raises Unreadable for any other."""
    fault = payload_fault(text)
    if not fault:
        try:
            require_json(text)
        except (msgspec.DecodeError, ValueError) as error:
            raise Unreadable(f"the value is not JSON: {error}") from None
        fault = next(iter(unkept(text)), None) if b"\\u0000" in text else None
    if fault:
        place, message = fault
        raise Unreadable(f"the value {message}" if not place else f"the value at {place} {message}")
    return text


def read_message(message: Message, reads: Format) -> TopicRecord:
    """Return the record that a message is."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise RuntimeError("librdkafka gave a message without its place")
    value = message.value()
    record = TopicRecord(partition, offset, _around(message, partition, offset))
    return with_value(record, value.encode() if isinstance(value, str) else value, reads, topic)


def with_value(record: TopicRecord, value: bytes | None, reads: Format, topic: str) -> TopicRecord:
    """Return a record, which has none yet, with its value, or with why that cannot be read."""
    try:
        body = b"null" if value is None else reads.json_of(value, topic)
    except Unreadable as error:
        return record._replace(reason=str(error), payload=value)
    text = f'{{"value":{body.decode()},{record.text[1:]}'
    return record._replace(text=text, reason="", payload=None)


def trace_of(record: TopicRecord) -> Trace | None:
    """Return the trace context that a record's headers bring; None where there is none."""
    try:
        return read_trace(_decode(record.text).headers)
    except (msgspec.MsgspecError, RecursionError):  # nothing fails for that
        return None


def _around(message: Message, partition: int, offset: int) -> str:
    """Return the JSON of what expressions see beside the value.

    A key that is no text is left out: that a path names it in vain is told by the path.
    """
    kind, milliseconds = message.timestamp()
    around: dict[str, object] = {
        "headers": _headers(message.headers()),
        "partition": partition,
        "offset": offset,
        "timestamp": None if kind == TIMESTAMP_NOT_AVAILABLE else time_text(milliseconds),
    }
    key = message.key()
    text = None if key is None else text_of(key)
    if key is None or text is not None:
        around["key"] = text
    return _encode(around).decode()


def _headers(headers: object) -> dict[str, str]:
    """Return headers as texts by their names: the last of each, and none that is no text."""
    found: dict[str, str] = {}
    if isinstance(headers, list):
        for name, value in cast("Iterable[tuple[str, str | bytes | None]]", headers):
            text = None if value is None else text_of(value)
            if text is not None and "\0" not in name:
                found[name] = text
    return found


def text_of(raw: bytes | str) -> str | None:
    """Return bytes as a text that Postgres keeps, or None."""
    try:
        text = raw if isinstance(raw, str) else raw.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def time_text(milliseconds: int) -> str | None:
    """Return a time as expressions have it; None for one that no calendar has."""
    try:
        at = EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return f"{at.isoformat(timespec='microseconds')[:-6]}Z" if at.year >= 1000 else None
