"""A step that has an instance of another workflow run, and gives what that gives."""

from collections.abc import Iterator
from typing import Any

from ....json_text import Json
from ...expressions.trees import Compiled
from ...foreign.words import OF_A_STEP
from ...source.document import Faults, child
from .. import checks
from ..durations import EXAMPLES
from ..durations import SCHEMA as DURATION
from ..members import Key, Members
from ..step import FAILURE, HEAD, ORDER, Lowered, Place, Step, names, undoing
from ..work import NAME, NO_INPUT, WITH

LATEST = 2**31 - 1


def _input(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    compiled = checks.task_input(value, pointer, faults)
    for text in compiled.filled if compiled else ():
        faults.add(text.pointer, "a secret is for a task alone; name it in a step of that workflow")
    return compiled


def _key(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    if isinstance(value, str) and value:
        return checks.expression(value, pointer, faults)
    faults.add(pointer, "must be a text, such as order-${ $.input.id }")
    return None


def _detach(value: Json, pointer: str, faults: Faults) -> bool | None:
    if value is True:
        return value
    faults.add(pointer, "must be true; leave it out where the step is to wait for the instance")
    return None


MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "workflow": Key(
            checks.matching(NAME, "the name of a workflow, such as ship-order"),
            {"type": "string", "pattern": NAME},
            "The workflow of which an instance is started; its output is that of the step.",
            required=True,
            examples=("ship-order",),
        ),
        "with": Key(
            _input,
            WITH.schema,
            "The input of the instance, {} unless given; texts in it may be expressions.",
            examples=({"order": "$.input.id"}, "$.item"),
        ),
        "version": Key(
            checks.number(1, LATEST, whole=True),
            {"type": "integer", "minimum": 1, "maximum": LATEST},
            "The version of the workflow; the latest as the step begins unless given.",
            examples=(3,),
        ),
        "key": Key(
            _key,
            {"type": "string", "minLength": 1},
            "The idempotency key of the instance: there is one of each key of a workflow.",
            examples=("order-${ $.input.id }",),
        ),
        "detach": Key(
            _detach,
            {"const": True},
            "The step succeeds once the instance has started, with {instance: id}, and is done "
            "with it: it hears of no end, no cancel and no undoing.",
            examples=(True,),
        ),
        **ORDER,
        "timeout": Key(
            checks.duration,
            DURATION,
            "How long it waits for the end; then the instance is cancelled, and once it has ended "
            "the step fails, with the code timeout. No limit unless given.",
            examples=EXAMPLES,
        ),
        **FAILURE,
    },
    {
        **OF_A_STEP,
        "compensate": "an instance that a step has started is undone by the compensations of its "
        "own steps; write 'compensate' there",
        "retry": "an instance is not tried again as an attempt is; put the step into "
        "`try: […]` with a `retry`",
    },
)


class Workflow(Step, frozen=True, kw_only=True, tag="workflow"):
    """A step of the kind `workflow`."""

    workflow: str
    input: Compiled = NO_INPUT
    key: Compiled | None = None
    version: int | None = None
    detach: bool = False
    timeout: float | None = None

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return what it starts, and for how long it waits."""
        fields = ("key", "version", "detach", "timeout")
        given = {key: members[key] for key in fields if key in members}
        return {
            "workflow": members.get("workflow", ""),
            "input": members.get("with", NO_INPUT),
            **given,
        }

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note a limit of time where nothing is waited for."""
        super().check(members, pointer, faults)
        if members.get("detach") and "timeout" in members:
            message = "is for a step that waits for the end, and this one does not: `detach`"
            faults.add(child(pointer, "timeout"), message, key=True)

    @property
    def is_undone(self) -> bool:
        """Whether there is something to undo once it has run: that its instance knows itself."""
        return not self.detach

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition, its input and its key."""
        yield from super().expressions()
        yield self.input
        if self.key is not None:
            yield self.key

    def lower(self, place: Place) -> Lowered:
        """Return its row, and that of its undoing, which is for the instance to do."""
        spec: dict[str, Any] = {
            "workflow": self.workflow,
            "with": self._tree(),
            "position": place.positions[self.id],
            **names(place.positions, self.input, self.key, self.when),
            **self.policy(),
        }
        for name in ("version", "timeout"):
            if (given := getattr(self, name)) is not None:
                spec[name] = given
        if self.detach:
            return Lowered([self.row(place, {**spec, "detach": True})])
        undo_spec = {"position": spec["position"], "workflow": self.workflow}
        undo = undoing(self, "undo_child", undo_spec, self.pointer)
        return Lowered([self.row(place, spec), *undo.rows], undo.edges)

    def _tree(self) -> dict[str, Any]:
        given = {"with": self.input.tree} | ({"key": self.key.tree} if self.key else {})
        if all("v" in tree for tree in given.values()):
            return {"v": {name: tree["v"] for name, tree in given.items()}}
        return {"o": given}
