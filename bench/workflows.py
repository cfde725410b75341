"""The workflows of the load, as the engine takes them."""

from typing import Any

from onceflow.engine.calls import register_workflow
from onceflow.engine.calls.base import Connection
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.json_text import encode


def sequence(steps: int) -> dict[str, Any]:
    """Return the workflow ``sequence-N``: N no-op tasks, one after the other."""
    return {
        "name": f"sequence-{steps}",
        "steps": [{"id": f"step-{number}", "task": "bench.noop"} for number in range(1, steps + 1)],
    }


def fan_out(width: int) -> dict[str, Any]:
    """Return the workflow ``fan-out-N``: one task, then N side by side, then one that joins them."""
    branches = [f"branch-{number}" for number in range(1, width + 1)]
    return {
        "name": f"fan-out-{width}",
        "steps": [
            {"id": "fork", "task": "bench.noop", "needs": []},
            *({"id": name, "task": "bench.noop", "needs": ["fork"]} for name in branches),
            {"id": "join", "task": "bench.noop", "needs": branches},
        ],
    }


def retrying(seconds: float) -> dict[str, Any]:
    """Return the workflow ``retrying``: a task that fails once and is due again after ``seconds``.

    The jitter of half of that spreads the retries over a span as long as ``seconds``.
    """
    retry = {"attempts": 2, "backoff": f"{seconds:g}s", "factor": 1, "jitter": 0.5}
    return {"name": "retrying", "steps": [{"id": "flaky", "task": "bench.flaky", "retry": retry}]}


def slow(seconds: float) -> dict[str, Any]:
    """Return the workflow ``slow``: one task that takes ``seconds``."""
    step = {"id": "slow", "task": "bench.slow", "with": {"seconds": seconds}}
    return {"name": "slow", "steps": [step]}


def register(conn: Connection, definition: dict[str, Any]) -> str:
    """Store a definition and return the workflow's name."""
    compiled = compile_definition(parse(encode(definition), "json"))
    return register_workflow(conn, compiled).name
