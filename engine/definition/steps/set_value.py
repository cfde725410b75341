"""A step that has a value, made of expressions, and needs no worker."""

from . import checks
from .members import Key, Members, later
from .step import FAILURE, HEAD, NOT_YET, ORDER, ValueStep

MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "set": Key(
            checks.expression,
            {},
            "The value that the step gives; texts in it may be expressions.",
            required=True,
        ),
        **ORDER,
        **FAILURE,
    },
    later(*NOT_YET),
)


class Set(ValueStep, frozen=True, kw_only=True, tag="set"):
    """A step of the kind `set`."""
