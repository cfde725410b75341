"""/deferred: tasks that somebody outside completes or fails, by the token of the attempt."""

from typing import Final

from ...engine import calls
from ...engine.accounts.roles import Role
from ...engine.calls import AnsweredToken
from ..operation import Call, Nothing, Operation
from ..problems import Problem
from ..schemas.deferred import CompleteDeferredRequest, DeferredAnswer, FailDeferredRequest
from ..schemas.words import given


def complete(call: Call[Nothing, CompleteDeferredRequest]) -> DeferredAnswer:
    """Complete a deferred task."""
    output = given(call.body.output, b"null")
    with call.context.database.connection() as conn:
        (answered,) = calls.complete_deferred_tasks(conn, [call.body.token], [output])
    return _answer(answered)


def fail(call: Call[Nothing, FailDeferredRequest]) -> DeferredAnswer:
    """Fail a deferred task."""
    body = call.body
    with call.context.database.connection() as conn:
        (answered,) = calls.fail_deferred_tasks(conn, [body.token], [body.error], [body.retryable])
    return _answer(answered)


def _answer(answered: AnsweredToken) -> DeferredAnswer:
    if answered.answer == "stale":
        raise Problem(
            409, "The attempt of this token is over: it timed out, or its instance has ended."
        )
    return DeferredAnswer(answered.answer, answered.state)


OPERATIONS: Final = [
    Operation(
        method="POST",
        path="/deferred/complete",
        name="completeDeferredTask",
        role=Role.STARTER,
        tag="deferred tasks",
        summary="Complete a deferred task",
        description="Of a handler that returned Later: whoever has the token of the attempt ends "
        "it, once, with the task's output.",
        handler=complete,
        body=CompleteDeferredRequest,
        answers={200: DeferredAnswer},
        problems=(409,),
    ),
    Operation(
        method="POST",
        path="/deferred/fail",
        name="failDeferredTask",
        role=Role.STARTER,
        tag="deferred tasks",
        summary="Fail a deferred task",
        description="The attempt has failed: it is tried again as its policy says, with another "
        "token, or is a dead letter.",
        handler=fail,
        body=FailDeferredRequest,
        answers={200: DeferredAnswer},
        problems=(409,),
    ),
]
