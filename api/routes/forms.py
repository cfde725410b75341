"""/forms: what people are asked to decide, and what they answer."""

from collections.abc import Sequence
from typing import Any, Final, cast

from ...engine import calls
from ...engine.accounts.roles import Role
from ...engine.calls import Decided, FormAnswer, Key
from ..accounts.visitor import in_the_name_of
from ..operation import Call, Nothing, Operation
from ..problems import Problem, invalid, not_found
from ..reads import forms as reads
from ..schemas.forms import (
    AnswerRequest,
    ClaimRequest,
    FormAnswered,
    FormDecision,
    FormDecisions,
    FormLog,
    FormPage,
    FormsQuery,
    ReassignRequest,
)
from ..schemas.words import given


def list_forms(call: Call[FormsQuery, Nothing]) -> FormPage:
    """List open forms."""
    return reads.list_forms(call.context.database, call.query)


def read_log(call: Call[Nothing, Nothing]) -> FormLog:
    """List what people have done with the forms of an instance."""
    instance = call.uuid("instanceId", "instance")
    return FormLog(reads.read_log(call.context.database, instance))


def answer(call: Call[Nothing, AnswerRequest]) -> FormAnswered:
    """Answer a form."""
    body = call.body
    answered, faults = reads.answer_form(
        call.context.database,
        FormAnswer(
            body.instance,
            body.task,
            body.decision,
            in_the_name_of(body.by),
            given(body.answer, b"{}"),
            body.key,
        ),
    )
    match answered.outcome:
        case "accepted" | "repeated" as outcome:
            return FormAnswered(outcome, answered.detail)
        case "unknown":
            raise not_found(f"form {body.instance}/{body.task}")
        case "invalid":
            raise invalid(faults, "The answer") if faults else Problem(422, answered.detail)
        case _:
            raise Problem(409, f"Refused: {answered.detail}.")


def claim(call: Call[Nothing, ClaimRequest]) -> FormDecisions:
    """Claim forms."""
    with call.context.database.connection() as conn:
        return _answer(calls.claim_forms(conn, _keys(call.body), in_the_name_of(call.body.by)))


def release(call: Call[Nothing, ClaimRequest]) -> FormDecisions:
    """Release forms."""
    with call.context.database.connection() as conn:
        return _answer(calls.release_forms(conn, _keys(call.body), in_the_name_of(call.body.by)))


def reassign(call: Call[Nothing, ReassignRequest]) -> FormDecisions:
    """Reassign forms."""
    body = call.body
    with call.context.database.connection() as conn:
        return _answer(calls.reassign_forms(conn, _keys(body), in_the_name_of(body.by), body.to))


def _keys(body: ClaimRequest | ReassignRequest) -> list[Key]:
    return [Key(form.instance, form.task) for form in body.forms]


def _answer(decided: Sequence[Decided]) -> FormDecisions:
    return FormDecisions(
        [
            FormDecision(of.instance_id, of.task or "", cast(Any, of.outcome), of.detail)
            for of in decided
        ]
    )


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/forms",
        name="listForms",
        role=Role.VIEWER,
        tag="forms",
        summary="List open forms",
        handler=list_forms,
        query=FormsQuery,
        answers={200: FormPage},
        problems=(404,),
    ),
    Operation(
        method="GET",
        path="/instances/{instanceId}/forms",
        name="listFormLog",
        role=Role.VIEWER,
        tag="forms",
        summary="List what people have done with the forms of an instance",
        handler=read_log,
        answers={200: FormLog},
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/forms/answer",
        name="answerForm",
        role=Role.STARTER,
        tag="forms",
        summary="Answer a form",
        description="The first answer that fits is the step's output; one that comes later is "
        "refused (409) with who was first.",
        handler=answer,
        body=AnswerRequest,
        answers={200: FormAnswered},
        problems=(404, 409),
    ),
    Operation(
        method="POST",
        path="/forms/claim",
        name="claimForms",
        role=Role.STARTER,
        tag="forms",
        summary="Claim forms",
        description="Nobody else answers them then.",
        handler=claim,
        body=ClaimRequest,
        answers={200: FormDecisions},
    ),
    Operation(
        method="POST",
        path="/forms/release",
        name="releaseForms",
        role=Role.STARTER,
        tag="forms",
        summary="Release forms that one has claimed",
        handler=release,
        body=ClaimRequest,
        answers={200: FormDecisions},
    ),
    Operation(
        method="POST",
        path="/forms/reassign",
        name="reassignForms",
        role=Role.OPERATOR,
        tag="forms",
        summary="Ask other people",
        description="In place of those who were asked; a claim ends.",
        handler=reassign,
        body=ReassignRequest,
        answers={200: FormDecisions},
    ),
]
