"""/dead-letters: what failed for good, and what a person does about it."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar, cast

import msgspec

from ...engine import calls
from ...engine.accounts.roles import Role
from ...engine.calls import Decided, Key
from ..operation import Call, Nothing, Operation
from ..problems import Fault, invalid
from ..reads.dead_letters import find_dead_letters
from ..reads.dead_letters import list_dead_letters as read_page
from ..schemas.dead_letters import (
    DeadLetterDecision,
    DeadLetterDecisions,
    DeadLetterFilter,
    DeadLetterKey,
    DeadLetterPage,
    DeadLettersQuery,
    DiscardRequest,
    RedriveKey,
    RedriveRequest,
    SkipKey,
    SkipRequest,
)
from ..schemas.words import given

Named = TypeVar("Named", RedriveKey, SkipKey, DeadLetterKey)


def list_dead_letters(call: Call[DeadLettersQuery, Nothing]) -> DeadLetterPage:
    """List open dead letters."""
    return read_page(call.context.database, call.query)


def redrive(call: Call[Nothing, RedriveRequest]) -> DeadLetterDecisions:
    """Try dead letters again."""
    database, body = call.context.database, call.body
    named = _one_of(body.dead_letters, body.filter)
    if isinstance(body.filter, DeadLetterFilter):
        keys = find_dead_letters(database, body.filter, body.limit)
        with database.connection() as conn:
            return _answer(calls.redrive_dead_letters(conn, keys) if keys else [])
    as_they_were = [item for item in named if isinstance(item.input, msgspec.UnsetType)]
    corrected = [
        (_key(item), item.input) for item in named if not isinstance(item.input, msgspec.UnsetType)
    ]
    with database.connection() as conn:
        decided: list[Decided] = []
        if as_they_were:
            decided += calls.redrive_dead_letters(conn, [_key(item) for item in as_they_were])
        if corrected:
            keys = [key for key, _ in corrected]
            decided += calls.redrive_dead_letters(conn, keys, [new for _, new in corrected])
    return _answer(decided)


def skip(call: Call[Nothing, SkipRequest]) -> DeadLetterDecisions:
    """Let what follows dead letters go on."""
    database, body = call.context.database, call.body
    named = _one_of(body.dead_letters, body.filter)
    if isinstance(body.filter, DeadLetterFilter):
        keys = find_dead_letters(database, body.filter, body.limit)
        outputs = [given(body.output, b"null")] * len(keys)
    else:
        keys = [_key(item) for item in named]
        outputs = [given(item.output, b"null") for item in named]
    with database.connection() as conn:
        return _answer(calls.skip_dead_letters(conn, keys, outputs) if keys else [])


def discard(call: Call[Nothing, DiscardRequest]) -> DeadLetterDecisions:
    """Give dead letters up."""
    database, body = call.context.database, call.body
    named = _one_of(body.dead_letters, body.filter)
    if isinstance(body.filter, DeadLetterFilter):
        keys = find_dead_letters(database, body.filter, body.limit)
    else:
        keys = [_key(item) for item in named]
    with database.connection() as conn:
        return _answer(calls.discard_dead_letters(conn, keys) if keys else [])


def _one_of(named: Sequence[Named] | None, wanted: object) -> Sequence[Named]:
    if (named is None) == (wanted is msgspec.UNSET):
        raise invalid([Fault("", "give either dead_letters or filter")])
    return named or []


def _key(item: RedriveKey | SkipKey | DeadLetterKey) -> Key:
    return Key(item.instance, item.task)


def _answer(decided: Sequence[Decided]) -> DeadLetterDecisions:
    return DeadLetterDecisions(
        [
            DeadLetterDecision(of.instance_id, of.task, cast(Any, of.outcome), of.detail)
            for of in decided
        ]
    )


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/dead-letters",
        name="listDeadLetters",
        role=Role.VIEWER,
        tag="dead letters",
        summary="List open dead letters",
        handler=list_dead_letters,
        query=DeadLettersQuery,
        answers={200: DeadLetterPage},
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/dead-letters/redrive",
        name="redriveDeadLetters",
        role=Role.OPERATOR,
        tag="dead letters",
        summary="Try dead letters again",
        description="The same task and idempotency key, with a fresh budget of retries and, where "
        "given, a corrected input.",
        handler=redrive,
        body=RedriveRequest,
        answers={200: DeadLetterDecisions},
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/dead-letters/skip",
        name="skipDeadLetters",
        role=Role.OPERATOR,
        tag="dead letters",
        summary="Pass over dead letters",
        description="What follows goes on, with the given output in place of the task's own.",
        handler=skip,
        body=SkipRequest,
        answers={200: DeadLetterDecisions},
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/dead-letters/discard",
        name="discardDeadLetters",
        role=Role.OPERATOR,
        tag="dead letters",
        summary="Give dead letters up",
        description="Their instances fail and, where the definition says so, are compensated.",
        handler=discard,
        body=DiscardRequest,
        answers={200: DeadLetterDecisions},
        problems=(404,),
    ),
]
