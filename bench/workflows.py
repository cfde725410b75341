"""The workflows of the load, as the engine takes them."""

from dataclasses import dataclass
from typing import Any

from onceflow.engine.calls import register_workflow
from onceflow.engine.calls.base import Connection
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.json_text import encode


@dataclass(frozen=True, slots=True)
class Work:
    """A workflow: its definition, and how many steps an instance of it takes."""

    definition: dict[str, Any]
    steps: int

    def register(self, conn: Connection) -> str:
        """Store the definition and return the workflow's name."""
        compiled = compile_definition(parse(encode(self.definition), "json"))
        return register_workflow(conn, compiled).name


def sequence(steps: int) -> Work:
    """Return the workflow ``sequence-N``: N no-op tasks, one after the other."""
    made = [{"id": f"step-{number}", "task": "bench.noop"} for number in range(1, steps + 1)]
    return Work({"name": f"sequence-{steps}", "steps": made}, steps)


def fan_out(width: int) -> Work:
    """Return the workflow ``fan-out-N``: a task, N side by side, and one that joins."""
    branches = [f"branch-{number}" for number in range(1, width + 1)]
    steps: list[dict[str, Any]] = [
        {"id": "fork", "task": "bench.noop", "needs": []},
        *({"id": name, "task": "bench.noop", "needs": ["fork"]} for name in branches),
        {"id": "join", "task": "bench.noop", "needs": branches},
    ]
    return Work({"name": f"fan-out-{width}", "steps": steps}, len(steps))


def for_each() -> Work:
    """Return the workflow ``for-each``: two no-op tasks for each item of its input."""
    steps = [{"id": name, "task": "bench.noop"} for name in ("first", "second")]
    return Work({"name": "for-each", "steps": [_each(steps)]}, 2)


def undoing() -> Work:
    """Return the workflow ``undoing``: the same, but for each to be undone, as the end fails."""
    undo = {"task": "bench.noop"}
    steps = [{"id": "first", "task": "bench.noop", "compensate": undo}]
    steps += [{"id": "second", "task": "bench.noop"}]
    last = {"id": "refused", "task": "bench.refuse"}
    return Work({"name": "undoing", "steps": [_each(steps), last]}, 2)


def _each(steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "each", "for_each": "$.input.items", "steps": steps}


def parallel(width: int) -> Work:
    """Return the workflow ``parallel-N``: N branches of a task each, and their end."""
    branches = [{"id": f"branch-{number}", "task": "bench.noop"} for number in range(1, width + 1)]
    steps = [{"id": "all", "parallel": branches}]
    return Work({"name": f"parallel-{width}", "steps": steps}, width)


def child(workflow: str) -> Work:
    """Return the workflow ``child``: a step that starts an instance of another, and awaits it."""
    return Work({"name": "child", "steps": [{"id": "child", "workflow": workflow}]}, 1)


def children(workflow: str) -> Work:
    """Return the workflow ``children``: such a step for each item of its input."""
    return Work({"name": "children", "steps": [_each([{"id": "child", "workflow": workflow}])]}, 1)


def signalled() -> Work:
    """Return the workflow ``signalled``: a wait for a signal, then a no-op task."""
    steps = [{"id": "go", "wait_for": "go"}, {"id": "step", "task": "bench.noop"}]
    return Work({"name": "signalled", "steps": steps}, 2)


def wide(width: int) -> Work:
    """Return the workflow ``wide-N``: N transactional tasks side by side, and one that joins."""
    names = [f"branch-{number}" for number in range(1, width + 1)]
    steps: list[dict[str, Any]] = [
        *({"id": name, "task": "bench.write", "needs": []} for name in names),
        {"id": "join", "task": "bench.noop", "needs": names},
    ]
    return Work({"name": f"wide-{width}", "steps": steps}, len(steps))


def retrying() -> Work:
    """Return the workflow ``retrying``: a task that fails once and is due again much later."""
    retry = {"attempts": 2, "backoff": "1h", "factor": 1, "max": "1h", "jitter": 0}
    step = {"id": "flaky", "task": "bench.flaky", "retry": retry}
    return Work({"name": "retrying", "steps": [step]}, 1)


def scheduled(number: int, entries: int, plan: dict[str, str]) -> Work:
    """Return the workflow ``scheduled-N``: one no-op task, started by so many schedules."""
    on = [{"id": f"entry-{n}", "schedule": plan} for n in range(entries)]
    steps = [{"id": "step", "task": "bench.noop"}]
    return Work({"name": f"scheduled-{number}", "on": on, "steps": steps}, 1)


def sleeping(then: int) -> Work:
    """Return the workflow ``sleeping-N``: a sleep of thirty days, then N no-op tasks."""
    tasks = [{"id": f"step-{number}", "task": "bench.noop"} for number in range(1, then + 1)]
    steps = [{"id": "nap", "sleep": "30d"}, *tasks]
    return Work({"name": f"sleeping-{then}", "steps": steps}, then + 1)


def slow(seconds: float) -> Work:
    """Return the workflow ``slow``: one task that takes ``seconds``."""
    step = {"id": "slow", "task": "bench.slow", "with": {"seconds": seconds}}
    return Work({"name": "slow", "steps": [step]}, 1)
