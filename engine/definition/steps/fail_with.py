"""A step that fails for good, with an error of the workflow's own."""

from ...json_text import Json
from ..expressions.trees import Compiled
from ..foreign.words import OF_A_STEP
from ..source.document import Faults
from . import checks
from .members import Key, Members
from .retry import ERROR_CODE
from .step import FAILURE, HEAD, ORDER, ValueStep

_literal = checks.matching(ERROR_CODE, "an error code such as order.too_old")


def _code(value: Json, pointer: str, faults: Faults) -> str | None:
    if isinstance(value, str) and "$" in value:
        return value
    return _literal(value, pointer, faults)


ERROR = Members(
    "an error",
    {
        "code": Key(
            _code,
            {"type": "string", "anyOf": [{"pattern": ERROR_CODE}, {"pattern": r"\$"}]},
            "The error's code, by which others name it.",
            required=True,
            examples=("order.too_large",),
        ),
        "message": Key(
            checks.text,
            {"type": "string"},
            "What went wrong, in words.",
            examples=("order ${ $.input.id } needs a person",),
        ),
        "detail": Key(
            checks.expression, {}, "More about it, of any form.", examples=("$.steps.total.output",)
        ),
    },
    {},
)


def _error(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    sound = ERROR.read(value, pointer, faults)
    return None if sound is None else checks.expression(value, pointer, faults)


MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "fail": Key(
            _error,
            ERROR.schema(),
            "The error that the step fails with, for good; texts in it may be expressions.",
            required=True,
        ),
        **ORDER,
        **FAILURE,
    },
    OF_A_STEP,
)


class Fail(ValueStep, frozen=True, kw_only=True, tag="fail"):
    """A step of the kind `fail`; its value is the error."""
