"""Starts instances by the records of a Kafka topic: each record counts once."""

from collections.abc import Iterator
from typing import Any, Final

from ...json_text import Json
from ..common.mends import did_you_mean, one_of
from ..expressions.references import Heard
from ..expressions.trees import Compiled
from ..foreign.triggers import OF_A_KAFKA
from ..source.document import Faults
from ..steps import checks
from ..steps.members import Key, Members
from .trigger import Trigger

FORMATS: Final = ("json", "avro", "protobuf")
_NAME = r"[A-Za-z0-9._-]{1,249}"
_GROUP = r"^[A-Za-z0-9._-]{1,255}$"
_ROOTS = ("key", "value", "headers", "partition", "offset", "timestamp")


class Kafka(Trigger, frozen=True, kw_only=True, tag="kafka"):
    """An entry of the kind `kafka`."""

    sees = Heard(dict.fromkeys(_ROOTS, ()), "what a topic starts")

    topic: str = ""
    group: str | None = None
    key: Compiled | None = None
    when: Compiled | None = None
    input: Compiled | None = None
    format: str = "json"

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition, its key and its input."""
        for compiled in (self.when, self.key, self.input):
            if compiled is not None:
                yield compiled

    def spec(self) -> dict[str, Any]:
        """Return what the engine keeps of it."""
        spec: dict[str, Any] = {"topic": self.topic, "format": self.format}
        if self.group is not None:
            spec["group"] = self.group
        for name in ("when", "key", "input"):
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


def _key(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    compiled = checks.expression(value, pointer, faults)
    if "v" in compiled.tree or "o" in compiled.tree or "l" in compiled.tree:
        faults.add(
            pointer,
            "must be an expression that gives each record its own key, such as $.value.order",
        )
        return None
    return compiled


MEMBERS = Members(
    "a topic that starts instances",
    {
        "topic": Key(
            _topic,
            {"type": "string", "pattern": f"^{_NAME}$"},
            "The topic, of which each record starts an instance.",
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
        "key": Key(
            _key,
            {"type": "string"},
            "The idempotency key: records with the same one start one instance together.",
            examples=("$.value.id", "$.key"),
        ),
        "input": Key(
            checks.started_input,
            {},
            "The input of the instance; the record's value unless given.",
            examples=({"order": "$.value", "customer": "$.key"},),
        ),
        "format": Key(
            _format,
            {"enum": list(FORMATS), "default": "json"},
            "What the values of records are; avro and protobuf with a schema registry.",
        ),
    },
    OF_A_KAFKA,
)
