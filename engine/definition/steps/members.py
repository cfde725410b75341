"""What an object of a definition may hold: its keys, each with a check, a JSON Schema, a meaning.

The compiler reads definitions by these tables, and the published JSON Schema is made of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ...json_text import Json
from ..common.mends import did_you_mean
from ..foreign.telling import tell
from ..foreign.words import Reason
from ..source.document import Faults, child
from .checks import Check

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: how its value is checked, the value's JSON Schema, what it means; examples of it.

    ``beside`` is a JSON Schema that the object must fit where it has the key.
    """

    check: Check
    schema: Schema
    meaning: str
    required: bool = False
    examples: tuple[Json, ...] = ()
    beside: Schema = field(default_factory=dict[str, Any])

    def published(self) -> Schema:
        """Return the JSON Schema of the value, with its meaning."""
        examples = {"examples": [*self.examples]} if self.examples else {}
        return {"description": self.meaning, **self.schema, **examples}


@dataclass(frozen=True, slots=True)
class Members:
    """The keys of one kind of object; ``refused`` gives reasons for some of those it lacks."""

    name: str
    keys: Mapping[str, Key]
    refused: Mapping[str, Reason]

    def read(self, value: Json, pointer: str, faults: Faults) -> dict[str, Any] | None:
        """Return the members that are sound; None where the value is no object."""
        if not isinstance(value, dict):
            faults.add(pointer, f"{self.name} is an object with the keys {', '.join(self.keys)}")
            return None
        read: dict[str, Any] = {}
        members = cast(dict[str, Json], value)
        for name, item in members.items():
            place = child(pointer, name)
            key = self.keys.get(name)
            if key is None:
                reason = self.refused.get(name) or (
                    f"{self.name} has no key {name!r}{did_you_mean(name, self.keys)}"
                )
                tell(name, reason, members, pointer, faults)
                continue
            sound = key.check(item, place, faults)
            if sound is not None:
                read[name] = sound
        for name, key in self.keys.items():
            if key.required and name not in members:
                faults.add(pointer, f"{self.name} needs the key {name!r}")
        return read

    def without_need(self, name: str) -> "Members":
        """Return the same, in which one key is not required."""
        return replace(self, keys={**self.keys, name: replace(self.keys[name], required=False)})

    def schema(self) -> Schema:
        """Return the JSON Schema of such an object."""
        beside = [
            {"if": {"required": [name]}, "then": key.beside}
            for name, key in self.keys.items()
            if key.beside
        ]
        return {
            "type": "object",
            "additionalProperties": False,
            "required": [name for name, key in self.keys.items() if key.required],
            "properties": {name: key.published() for name, key in self.keys.items()},
            **({"allOf": beside} if beside else {}),
        }
