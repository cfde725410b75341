"""A task message as Kafka brings it: which task it names, or why none, and where it stood."""

from uuid import UUID

import msgspec

from ...engine.calls import BadMessage, Key
from ...engine.calls.base import Record


class Message(Record, frozen=True):
    """A task message. ``key`` is the task it names, or None for one that says nothing readable."""

    key: Key | None
    topic: str
    partition: int
    offset: int
    payload: bytes | None
    reason: str

    def as_bad(self, reason: str = "") -> BadMessage:
        """Return it as a message for the quarantine, for ``reason`` or its own."""
        return BadMessage(
            self.topic, self.partition, self.offset, self.payload, reason or self.reason
        )


class _TaskMessage(msgspec.Struct):
    instance: UUID
    task: str


_decoder = msgspec.json.Decoder(_TaskMessage)


def parse(payload: bytes | None) -> Key | str:
    """Return the task that a message names, or in words why it names none."""
    if payload is None:
        return "the message is empty"
    try:
        message = _decoder.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return f"the message is not a task message: {error}"
    if not message.task or len(message.task) > 1_000 or not message.task.isprintable():
        return "the message names a task by a text that cannot be one"
    return Key(message.instance, message.task)
