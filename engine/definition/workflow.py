"""The keys of a workflow, and the workflow that they make."""

from typing import cast

import msgspec

from ..json_text import Json
from .expressions.trees import Compiled
from .source.document import Document, Faults, child
from .steps import checks
from .steps.durations import SCHEMA as DURATION
from .steps.kinds import read_step, step_schema
from .steps.members import Key, Members, later
from .steps.step import Step
from .steps.work import NAME

MAX_STEPS = 10_000


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow as it was written; durations are seconds."""

    name: str = ""
    description: str = ""
    input: Json = None
    steps: list[Step] = []
    output: Compiled | None = None
    on_failure: str = "compensate"
    deadline: float | None = None
    search: list[str] = []


def _steps(value: Json, pointer: str, faults: Faults) -> list[Step] | None:
    if not isinstance(value, list) or not value:
        faults.add(pointer, "must be a list of at least one step")
        return None
    items = cast(list[Json], value)
    if len(items) > MAX_STEPS:
        faults.add(pointer, f"has more than {MAX_STEPS} steps; split the workflow")
        return None
    steps: dict[str, Step] = {}
    for n, item in enumerate(items):
        step = read_step(item, child(pointer, n), len(steps), faults)
        if step is None:
            continue
        if step.id in steps:
            taken = f"{step.id!r} is the id of {steps[step.id].pointer} already; take another"
            faults.add(f"{step.pointer}/id", taken)
            continue
        steps[step.id] = step
    return list(steps.values())


MEMBERS = Members(
    "a workflow",
    {
        "name": Key(
            checks.matching(NAME, "a name: a letter, then up to 127 letters, digits, . - or _"),
            {"type": "string", "pattern": NAME},
            "The name under which versions of the workflow are kept and instances started.",
            required=True,
        ),
        "description": Key(checks.text, {"type": "string"}, "What the workflow is for, in words."),
        "input": Key(
            checks.input_schema,
            {"type": "object"},
            "A JSON Schema (draft 2020-12) that the input of an instance must fit.",
        ),
        "steps": Key(
            _steps,
            {"type": "array", "minItems": 1, "items": step_schema()},
            "The steps, in order.",
            required=True,
        ),
        "output": Key(
            checks.output, {}, "The output of an instance; texts in it may be expressions."
        ),
        "on_failure": Key(
            checks.on_failure(checks.ON_FAILURE),
            {"enum": list(checks.ON_FAILURE), "default": Workflow().on_failure},
            "What follows when a step fails for good.",
        ),
        "deadline": Key(checks.duration, DURATION, "How long an instance may take; then it fails."),
        "search": Key(
            checks.search,
            {
                "type": "array",
                "maxItems": checks.MOST_FIELDS,
                "uniqueItems": True,
                "items": {"type": "string", "pattern": f"^{checks.INPUT_FIELD}$"},
            },
            "Fields of the input by which instances are found, such as $.input.order.",
        ),
    },
    {
        **later("catch", "concurrency", "finally", "limit", "priority", "schedule", "schedules"),
        **later("signals", "timeout", "triggers", "vars"),
        "version": "the engine numbers versions; leave `version` out",
    },
)


def read_workflow(document: Document, faults: Faults) -> Workflow:
    """Return the workflow with all of it that is sound."""
    return Workflow(**MEMBERS.read(document.value, "", faults) or {})
