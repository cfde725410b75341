"""A step that ends its instance, with an output."""

from ..foreign.words import OF_A_STEP
from . import checks
from .members import Key, Members
from .step import FAILURE, HEAD, ORDER, ValueStep

MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "return": Key(
            checks.output,
            {},
            "The output with which the instance ends, without its own `output`; texts in it may "
            "be expressions.",
            required=True,
            examples=({"order": "$.steps.find.output.id", "made": False},),
        ),
        **ORDER,
        **FAILURE,
    },
    OF_A_STEP,
)


class Return(ValueStep, frozen=True, kw_only=True, tag="return"):
    """A step of the kind `return`."""
