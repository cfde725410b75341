"""Starts instances by the records of a Kafka topic, or sends events: each record counts once."""

from collections.abc import Iterator
from typing import Any, Final

from ...json_text import Json
from ..common.mends import did_you_mean, one_of
from ..expressions.references import Heard
from ..expressions.trees import Compiled
from ..foreign.triggers import OF_A_KAFKA
from ..source.document import Faults, child
from ..steps import checks
from ..steps.members import Key, Members
from ..steps.work import NAME
from .trigger import Trigger

FORMATS: Final = ("json", "avro", "protobuf")
_NAME = r"[A-Za-z0-9._-]{1,249}"
_GROUP = r"^[A-Za-z0-9._-]{1,255}$"
_ROOTS = ("key", "value", "headers", "partition", "offset", "timestamp")


class Kafka(Trigger, frozen=True, kw_only=True, tag="kafka"):
    """An entry of the kind `kafka`."""

    sees = Heard(dict.fromkeys(_ROOTS, ()), "what a topic starts or sends")

    topic: str = ""
    group: str | None = None
    event: str | None = None
    key: Compiled | None = None
    when: Compiled | None = None
    input: Compiled | None = None
    payload: Compiled | None = None
    format: str = "json"

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note what does not stand beside `event`, or without it."""
        key: Compiled | None = members.get("key")
        if "event" not in members:
            if "payload" in members:
                message = "is that of an `event`; what starts an instance has an `input`"
                faults.add(child(pointer, "payload"), message, key=True)
            if key is not None and not {"v", "o", "l"}.isdisjoint(key.tree):
                message = "must be an expression that gives each record its own key"
                faults.add(child(pointer, "key"), f"{message}, such as $.value.order")
            return
        if "input" in members:
            message = "starts an instance; what an `event` brings is its `payload`"
            faults.add(child(pointer, "input"), message, key=True)
        if key is None:
            message = "needs the `key` of the event, for which steps wait: $.value.order"
            faults.add(pointer, message)
        elif not {"o", "l"}.isdisjoint(key.tree):
            faults.add(child(pointer, "key"), "must be one text, number or boolean")

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition, its key and its input or payload."""
        for compiled in (self.when, self.key, self.input, self.payload):
            if compiled is not None:
                yield compiled

    def spec(self) -> dict[str, Any]:
        """Return what the engine keeps of it."""
        spec: dict[str, Any] = {"topic": self.topic, "format": self.format}
        if self.group is not None:
            spec["group"] = self.group
        if self.event is not None:
            spec["event"] = self.event
        for name in ("when", "key", "input", "payload"):
            compiled: Compiled | None = getattr(self, name)
            if compiled is not None:
                spec[name] = compiled.tree
        return spec


def _topic(value: Json, pointer: str, faults: Faults) -> str | None:
    sound = checks.matching(_NAME, "a topic: up to 249 letters, digits, . - or _")
    if value in (".", ".."):
        faults.add(pointer, "is no name that Kafka takes for a topic")
        return None
    return sound(value, pointer, faults)


def _format(value: Json, pointer: str, faults: Faults) -> str | None:
    if isinstance(value, str) and value in FORMATS:
        return value
    mend = did_you_mean(value, FORMATS) if isinstance(value, str) else ""
    faults.add(pointer, f"must be {one_of(FORMATS)}{mend}")
    return None


MEMBERS = Members(
    "a topic that starts instances or sends events",
    {
        "topic": Key(
            _topic,
            {"type": "string", "pattern": f"^{_NAME}$"},
            "The topic, of which each record starts an instance, or is an event.",
            required=True,
            examples=("orders",),
        ),
        "group": Key(
            checks.matching(_GROUP, "a group: up to 255 letters, digits, . - or _"),
            {"type": "string", "pattern": _GROUP},
            "The consumer group that the relays share, of this entry alone; else one is named "
            "after the workflow and the entry.",
            examples=("order-intake",),
        ),
        "when": Key(
            checks.condition,
            {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"^\$[.{]"}]},
            "A condition; a record for which it is false is passed over.",
            examples=('$.value.type == "order"',),
        ),
        "event": Key(
            checks.matching(NAME, "a name: a letter, then letters, digits, . - or _"),
            {"type": "string", "pattern": NAME},
            "The event that each record is, for steps that wait for it; no instance is started.",
            examples=("payment.received",),
            beside={"required": ["key"], "properties": {"input": False}},
        ),
        "key": Key(
            checks.expression,
            {"type": ["string", "number", "boolean"]},
            "The idempotency key: records with the same one start one instance together. Of an "
            "`event` its key: steps that wait for both get it.",
            examples=("$.value.id", "$.key"),
            beside={
                "if": {"not": {"required": ["event"]}},
                "then": {"properties": {"key": {"type": "string", "pattern": r"\$[.{]"}}},
            },
        ),
        "input": Key(
            checks.started_input,
            {},
            "The input of the instance; the record's value unless given.",
            examples=({"order": "$.value", "customer": "$.key"},),
        ),
        "payload": Key(
            checks.expression,
            {},
            "What the `event` brings; the record's value unless given.",
            examples=({"sum": "$.value.amount"},),
            beside={"required": ["event"]},
        ),
        "format": Key(
            _format,
            {"enum": list(FORMATS), "default": "json"},
            "What the values of records are; avro and protobuf with a schema registry.",
        ),
    },
    OF_A_KAFKA,
)
