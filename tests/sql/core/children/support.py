"""What the tests of families have in common: a parent whose steps start instances, and these."""

from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.definition import compile_definition

from ...play import Play

Json = Any
WORK = {"task": "work"}
UNDO = {**WORK, "compensate": {"task": "undo"}}
SHIP = {"id": "ship", "workflow": "ship"}


def deploy(play: Play, name: str, *steps: dict[str, Json], **more: Json) -> str:
    """Register a workflow of these steps; further arguments are keys of it."""
    return play.deploy(compile_definition({"name": name, "steps": list(steps), **more}))


def deliver(play: Play) -> int:
    """Apply all that is sent, as the relay's clock does; return how much it was."""
    count = 0
    while done := calls.apply_deliveries(play.conn, 1000):
        count += done
    return count


class Family:
    """A parent, `order`, of these steps, and what they start: `ship`, of one undoable task."""

    def __init__(
        self, play: Play, *steps: dict[str, Json], given: Json = None, **more: Json
    ) -> None:
        self.play = play
        deploy(play, "ship", {"id": "pack", **UNDO}, output="$.steps.pack.output")
        self.parent = play.start(deploy(play, "order", *(steps or (SHIP,)), **more), given)

    def children(self, task: str | None = None) -> list[UUID]:
        """Return the instances that its steps have started, in the order of their starts."""
        rows = self.play.rows(
            "select c.instance_id from onceflow.child c where c.parent_id = %s"
            " and onceflow.task_name(c.step, c.scope, c.visit) = coalesce(%s, "
            "onceflow.task_name(c.step, c.scope, c.visit)) order by c.n",
            self.parent,
            task,
        )
        return [child for (child,) in rows]

    def begin(self, task: str | None = None) -> UUID:
        """Deliver what is sent; return the last instance that a task (None: any) has started."""
        deliver(self.play)
        return self.children(task)[-1]

    def end(self, child: UUID, output: Json = None) -> None:
        """Complete the task of an instance, and tell the parent."""
        self.play.complete(child, "pack", output=output)
        deliver(self.play)

    def state(self, task: str | None = None) -> str:
        """Return the state of the parent, or of a task of it."""
        return self.play.state(self.parent, task)

    def error(self, task: str = "ship") -> Json:
        """Return the error of a task of the parent."""
        return self.play.task(self.parent, task, "error")[0]

    def whole(self) -> bool:
        """Tell whether the checks find nothing wrong; what they find fails the test."""
        assert calls.check_instances(self.play.conn) == []
        return True

    def decide(self, what: Any, task: str = "ship", *more: Any) -> str:
        """Redrive, skip or discard a dead letter of the parent; return the answer."""
        (decision,) = what(self.play.conn, [Key(self.parent, task)], *more)
        return decision.outcome
