"""A step that has a value, made of expressions, and needs no worker."""

from ..foreign.words import OF_A_STEP
from . import checks
from .members import Key, Members
from .step import FAILURE, HEAD, ORDER, ValueStep

MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "set": Key(
            checks.expression,
            {},
            "The value that the step gives; texts in it may be expressions.",
            required=True,
            examples=({"total": "${ $.steps.order.output.price | default(0) }"},),
        ),
        **ORDER,
        **FAILURE,
    },
    OF_A_STEP,
)


class Set(ValueStep, frozen=True, kw_only=True, tag="set"):
    """A step of the kind `set`."""
