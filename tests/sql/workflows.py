"""Compiled definitions, written by hand: what ``register_workflow`` takes, without the compiler."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = Any
Tree = dict[str, Any]
Compiled = dict[str, Any]


def value(literal: Json) -> Tree:
    """Return the tree of a literal."""
    return {"v": literal}


def path(text: str) -> Tree:
    """Return the tree of a path; ``text`` must be one that Postgres reads as it stands."""
    return {"p": f"strict {text}", "t": text}


def fields(**trees: Tree) -> Tree:
    """Return the tree of an object."""
    return {"o": trees}


@dataclass(frozen=True)
class Step:
    """A step of a definition. ``undo`` is the input tree of its compensation; None: it has none."""

    id: str
    needs: tuple[str, ...] = ()
    input: Tree | None = None
    reads: tuple[str, ...] = ()
    when: Tree | None = None
    task: str = "work"
    queue: str | None = None
    retry: dict[str, Json] | None = None
    timeout: float | None = None
    start_timeout: float | None = None
    total_timeout: float | None = None
    on_failure: str | None = None
    undo: Tree | None = None
    undo_retry: dict[str, Json] | None = None
    undo_timeout: float | None = None
    undo_start_timeout: float | None = None
    undo_total_timeout: float | None = None
    kind: str = "task"


def workflow(
    *steps: Step,
    name: str = "flow",
    output: Tree | None = None,
    output_reads: Sequence[str] = (),
    on_failure: str = "compensate",
    deadline: float | None = None,
    input_schema: Json = None,
    search: Sequence[str] = (),
) -> Compiled:
    """Return a compiled definition of these steps."""
    compiled_steps: list[dict[str, Any]] = []
    edges: list[dict[str, str]] = []
    for position, step in enumerate(steps):
        spec = _spec(
            position,
            step.task,
            step.reads,
            queue=step.queue,
            when=step.when,
            retry=step.retry,
            timeout=step.timeout,
            start_timeout=step.start_timeout,
            total_timeout=step.total_timeout,
            on_failure=step.on_failure,
            **{"with": step.input},
        )
        compiled_steps.append(
            {"step": step.id, "kind": step.kind, "join_count": len(step.needs), "spec": spec}
        )
        edges += [{"from": need, "to": step.id, "kind": "next"} for need in step.needs]
        if step.undo is not None:
            undo = f"{step.id}.compensate"
            spec = _spec(
                position,
                "undo",
                (),
                queue=step.queue,
                retry=step.undo_retry,
                timeout=step.undo_timeout,
                start_timeout=step.undo_start_timeout,
                total_timeout=step.undo_total_timeout,
                **{"with": step.undo},
            )
            compiled_steps.append(
                {"step": undo, "kind": "compensation", "join_count": 0, "spec": spec}
            )
            edges.append({"from": step.id, "to": undo, "kind": "undo"})
    return {
        "name": name,
        "definition": {
            "name": name,
            "steps": compiled_steps,
            "edges": edges,
            "output": output,
            "search": [*search],
        },
        "input_schema": input_schema,
        "output": output,
        "output_reads": list(output_reads),
        "on_failure": on_failure,
        "deadline": deadline,
        "search": list(search),
        "steps": compiled_steps,
        "edges": edges,
    }


def _spec(position: int, task: str, reads: tuple[str, ...], **optional: Json) -> dict[str, Any]:
    given = {key: item for key, item in optional.items() if item is not None}
    return {"task": task, "reads": list(reads), "position": position, **given}


UNDO = fields(output=path("$.output"), task_input=path("$.task_input"), key=path("$.key"))
"""What a compensation of these workflows is told: all that it can see of the step undone."""


def sequence(*ids: str, undo: bool = False, **options: Any) -> Compiled:
    """Return steps that run one after the other; with ``undo`` each has a compensation."""
    chain = [
        Step(name, needs=ids[place - 1 : place] if place else (), undo=UNDO if undo else None)
        for place, name in enumerate(ids)
    ]
    return workflow(*chain, **options)


def diamond(*, undo: bool = False, **options: Any) -> Compiled:
    """Return a → b, c → d: one fork and one join."""
    tree = UNDO if undo else None
    return workflow(
        Step("a", undo=tree),
        Step("b", ("a",), undo=tree),
        Step("c", ("a",), undo=tree),
        Step("d", ("b", "c"), undo=tree),
        **options,
    )


def fan(width: int, **options: Any) -> Compiled:
    """Return ``width`` steps that start at once, and ``end``, which joins them all."""
    ids = tuple(f"s{place:04}" for place in range(width))
    return workflow(*[Step(name) for name in ids], Step("end", ids), **options)
