"""A step that asks people for a decision, with a form, and gives what they decide."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from ....json_text import Json
from ...expressions.trees import Compiled
from ...foreign.words import OF_A_STEP
from ...inputs.checks import compile_checks
from ...source.document import Faults, child
from .. import checks
from ..durations import EXAMPLES
from ..durations import SCHEMA as DURATION
from ..members import Key, Members
from ..step import FAILURE, HEAD, ORDER, ValueStep
from . import sleep

DECISIONS: Final = ("approved", "rejected")
DECISION: Final = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"
COMMENT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"comment": {"type": "string", "title": "Comment"}},
    "additionalProperties": False,
}
"""The form of a step that gives none."""

_MOST_DECISIONS = 10
_decision = checks.matching(DECISION, "a decision: a letter, then up to 62 letters, digits, - or _")


def _title(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    if isinstance(value, str) and value.strip():
        return checks.expression(value, pointer, faults)
    faults.add(pointer, "must be what is asked, in words, such as Refund of ${ $.input.amount }")
    return None


def _people(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    if isinstance(value, str) and value:
        return checks.expression(value, pointer, faults)
    items = cast(list[Json], value) if isinstance(value, list) else []
    if items and all(isinstance(item, str) and item for item in items):
        return checks.expression(value, pointer, faults)
    faults.add(
        pointer,
        "must be a person or a group, a list of them such as [managers, ada], or an expression "
        "that gives one of these",
    )
    return None


def _decisions(value: Json, pointer: str, faults: Faults) -> list[str] | None:
    found = checks.strings(_decision, "decisions")(value, pointer, faults)
    if isinstance(value, list) and not 1 <= len(cast(list[Json], value)) <= _MOST_DECISIONS:
        faults.add(pointer, f"must be 1 to {_MOST_DECISIONS} decisions")
        return None
    return found or None


def _form(value: Json, pointer: str, faults: Faults) -> Json:
    checks.input_schema(value, pointer, faults)
    kind = cast(dict[str, Json], value).get("type") if isinstance(value, dict) else None
    if kind in ("array", "string", "number", "integer", "boolean", "null"):
        faults.add(child(pointer, "type"), "a form is an object: its members are what is asked for")
    return cast(Json, value)


FORM = Members(
    "a form",
    {
        "title": Key(
            _title,
            {"type": "string", "minLength": 1},
            "What is asked, in words; may be an expression.",
            required=True,
            examples=("Refund of ${ $.input.amount }",),
        ),
        "to": Key(
            _people,
            {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "string", "minLength": 1},
                    },
                ]
            },
            "The people or groups that are asked, any of whom answers; may be expressions.",
            required=True,
            examples=(["managers"], "$.input.manager"),
        ),
        "form": Key(
            _form,
            {"type": "object"},
            "A JSON Schema (draft 2020-12) that the answer must fit; a comment unless given.",
            examples=({"type": "object", "properties": {"amount": {"type": "number"}}},),
        ),
        "decisions": Key(
            _decisions,
            {
                "type": "array",
                "minItems": 1,
                "maxItems": _MOST_DECISIONS,
                "uniqueItems": True,
                "items": {"type": "string", "pattern": DECISION},
            },
            "What may be decided; approved and rejected unless given.",
            examples=(["approved", "rejected", "more-information"],),
        ),
        "due": Key(
            sleep.time_value,
            sleep.TIME,
            "How long one may take to answer, or until when; then the step fails, with the code "
            "timeout. No limit unless given.",
            examples=("2d", {"until": "$.input.pay_at"}),
        ),
        "remind": Key(
            checks.duration,
            DURATION,
            "How often they are reminded while nobody has answered; at least a minute. Never "
            "unless given.",
            examples=EXAMPLES[1:3],
        ),
    },
    {
        "timeout": "write `due`: how long one may take to answer",
        "schema": "write `form`: the JSON Schema of the answer",
        "assignee": "write `to`: who is asked",
        "assignees": "write `to`: who is asked",
        "groups": "write `to`: who is asked",
        "users": "write `to`: who is asked",
        "options": "write `decisions`: what may be decided",
    },
)


def _approve(value: Json, pointer: str, faults: Faults) -> dict[str, Any] | None:
    read = FORM.read(value, pointer, faults)
    if read is not None and 0 < read.get("remind", 60) < 60:
        faults.add(child(pointer, "remind"), "must be at least a minute, 1m")
    return read


MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "approve": Key(
            _approve, FORM.schema(), "What is asked of whom, and by when.", required=True
        ),
        **ORDER,
        **FAILURE,
    },
    {**OF_A_STEP, "timeout": "write `due` in `approve`: how long one may take to answer"},
)


class Approve(ValueStep, frozen=True, kw_only=True, tag="approve"):
    """A step of the kind `approve`; its value says who is asked what, and until when."""

    form: Json = None
    decisions: Sequence[str] = DECISIONS
    remind: float | None = None

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return what is evaluated of it, and the form."""
        read: dict[str, Any] = members.get("approve", {})
        kept = {name: read[name] for name in ("form", "decisions", "remind") if name in read}
        asked = {name: read[name] for name in ("title", "to", "due") if name in read}
        return {"value": _together(asked), **kept}

    def policy(self) -> dict[str, Any]:
        """Return what the engine keeps of it besides: the form, with what is checked."""
        schema = COMMENT if self.form is None else self.form
        compiled = compile_checks(schema)
        form: dict[str, Any] = {
            "schema": schema,
            "checks": compiled.checks,
            "unchecked": compiled.unchecked,
            "decisions": [*self.decisions],
        }
        if self.remind is not None:
            form["remind"] = self.remind
        return {**super().policy(), "form": form}


def _together(parts: Mapping[str, Compiled]) -> Compiled:
    """Return an object of values that were compiled each by itself."""
    trees = {name: part.tree for name, part in parts.items()}
    constant = all("v" in tree for tree in trees.values())
    together = Compiled(
        {"v": {name: tree["v"] for name, tree in trees.items()}} if constant else {"o": trees}
    )
    for part in parts.values():
        together.references.extend(part.references)
        together.filled.extend(part.filled)
        together.told |= part.told
    return together
