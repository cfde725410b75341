"""A step behind which its list goes on with another of its steps, or ends."""

from typing import Any

from ..foreign.words import OF_A_STEP
from . import checks
from .members import Key, Members
from .step import FAILURE, HEAD, ORDER, STEP_ID, Lowered, Place, Step, names

END = "end"
"""The target that ends the list."""

MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "goto": Key(
            checks.matching(STEP_ID, "the id of a step of the same list, or end"),
            {"type": "string", "pattern": STEP_ID},
            "The step of the same list with which it goes on, before or behind; `end` ends the "
            "list. A step may be visited 1,000 times.",
            required=True,
            examples=("ask", "end"),
        ),
        **ORDER,
        **FAILURE,
    },
    OF_A_STEP,
)


class Goto(Step, frozen=True, kw_only=True, tag="goto"):
    """A step of the kind `goto`."""

    target: str

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return where it leads."""
        return {"target": members.get("goto", END)}

    def leads_to(self) -> str:
        """Return its target."""
        return self.target

    def lower(self, place: Place) -> Lowered:
        """Return its row; without a target its list ends, and behind `end` comes its output."""
        to = place.end if self.target == END else self.target
        spec = {
            "position": place.positions[self.id],
            **names(place.positions, self.when),
            **({} if to is None else {"goto": to}),
            **self.policy(),
        }
        return Lowered([self.row(place, spec)])
