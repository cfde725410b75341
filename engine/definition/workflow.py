"""The keys of a workflow, and the workflow that they make."""

import msgspec

from ..json_text import Json
from .expressions.trees import Compiled
from .foreign.telling import only_member
from .foreign.words import OF_A_WORKFLOW
from .labels import LABELS
from .notice import ON_FAILED, Notice
from .signals import SIGNALS
from .source.document import Document, Faults, child
from .steps import checks
from .steps.block import LIST
from .steps.durations import SCHEMA as DURATION
from .steps.kinds import read_list
from .steps.members import Key, Members
from .steps.step import Step
from .steps.work import NAME
from .triggers.kinds import ENTRIES, read_triggers
from .triggers.trigger import Trigger


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow as it was written; durations are seconds."""

    name: str = ""
    description: str = ""
    input: Json = None
    signals: dict[str, Json] | None = None
    steps: list[Step] = []
    output: Compiled | None = None
    on_failure: str = "compensate"
    on_failed: Notice | None = None
    deadline: float | None = None
    search: list[str] = []
    labels: Compiled | None = None
    triggers: list[Trigger] = []


MEMBERS = Members(
    "a workflow",
    {
        "name": Key(
            checks.matching(NAME, "a name: a letter, then up to 127 letters, digits, . - or _"),
            {"type": "string", "pattern": NAME},
            "The name under which versions of the workflow are kept and instances started.",
            required=True,
            examples=("order-invoice",),
        ),
        "description": Key(checks.text, {"type": "string"}, "What the workflow is for, in words."),
        "input": Key(
            checks.input_schema,
            {"type": "object"},
            "A JSON Schema (draft 2020-12) that the input of an instance must fit.",
            examples=({"type": "object", "required": ["customer"]},),
        ),
        "signals": SIGNALS,
        "steps": Key(read_list, LIST, "The steps, in order.", required=True),
        "on": Key(
            read_triggers,
            ENTRIES,
            "What starts instances by itself, each entry with an id of its own.",
            examples=([{"id": "nightly", "schedule": {"cron": "0 6 * * *"}}],),
        ),
        "output": Key(
            checks.output,
            {},
            "The output of an instance; texts in it may be expressions. Null unless given.",
            examples=({"invoice": "$.steps.create-invoice.output.id"},),
        ),
        "on_failure": Key(
            checks.on_failure(checks.ON_FAILURE),
            {"enum": list(checks.ON_FAILURE), "default": Workflow().on_failure},
            "What follows when a step fails for good.",
        ),
        "on_failed": ON_FAILED,
        "deadline": Key(
            checks.duration,
            DURATION,
            "How long an instance may take; then it fails.",
            examples=("1d",),
        ),
        "search": Key(
            checks.search,
            {
                "type": "array",
                "maxItems": checks.MOST_FIELDS,
                "uniqueItems": True,
                "items": {"type": "string", "pattern": f"^{checks.INPUT_FIELD}$"},
            },
            "Fields of the input by which instances are found, such as $.input.order.",
            examples=(["$.input.order", "$.input.customer.email"],),
        ),
        "labels": LABELS,
    },
    OF_A_WORKFLOW,
)


def read_workflow(document: Document, faults: Faults) -> Workflow:
    """Return the workflow with all of it that is sound."""
    value, pointer = document.value, ""
    named = only_member(value)
    if named is not None and named[0] not in MEMBERS.keys and named[0] not in OF_A_WORKFLOW:
        name, inner = named
        pointer = child(pointer, name)
        message = f"the document is one workflow: write `name: {name}`, and its keys beside it"
        faults.add(pointer, message, key=True)
        value = {"name": name, **inner}
    members = MEMBERS.read(value, pointer, faults) or {}
    if "on" in members:
        members["triggers"] = members.pop("on")
    return Workflow(**members)
