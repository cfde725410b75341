"""What the tests of forms have in common: a step that asks, and answers to it."""

import json
from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls import AnsweredForm, FormAnswer

from ...play import Play

FORM = {
    "type": "object",
    "required": ["sum"],
    "properties": {"sum": {"type": "integer", "minimum": 1}, "note": {"type": "string"}},
    "additionalProperties": False,
}


def asking(**members: Any) -> dict[str, Any]:
    """Return a step that asks; None takes a member away."""
    approve = {"title": "Refund?", "to": ["managers"], **members}
    return {"id": "ask", "approve": {name: of for name, of in approve.items() if of is not None}}


def answer(
    play: Play,
    instance: UUID,
    decision: str = "approved",
    given: Any = None,
    task: str = "ask",
    by: str = "ada",
    key: str | None = None,
) -> AnsweredForm:
    """Answer one form."""
    (answered,) = calls.answer_forms(
        play.conn, [FormAnswer(instance, task, decision, by, given, key)]
    )
    return answered


def told(play: Play) -> list[dict[str, Any]]:
    """Return what was told of forms, in order."""
    rows = play.rows("select value from onceflow.outbox where kind = 'form' order by id")
    return [json.loads(value) for (value,) in rows]
