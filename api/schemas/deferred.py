"""Types of answers to deferred tasks."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from .words import Json

Token: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=400, description="What the handler had as `Context.token`."
    ),
]


class CompleteDeferredRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token, and the output of its task."""

    token: Token
    output: Annotated[
        Json | msgspec.UnsetType, msgspec.Meta(description="The task's output; null if absent.")
    ] = msgspec.UNSET


class DeferredError(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why it failed."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    message: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    unknown: Annotated[
        bool, msgspec.Meta(description="Whether the effect may have happened all the same.")
    ] = False
    retry_after: (
        Annotated[
            float,
            msgspec.Meta(ge=0, le=1e9, description="Seconds to wait before the next attempt."),
        ]
        | None
    ) = None
    detail: Json | msgspec.UnsetType = msgspec.UNSET


class FailDeferredRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token, and why its task has failed."""

    token: Token
    error: DeferredError
    retryable: Annotated[
        bool, msgspec.Meta(description="Whether it is tried again, as its policy says.")
    ] = True


class DeferredAnswer(msgspec.Struct, frozen=True):
    """What became of the answer."""

    answer: Annotated[
        Literal["accepted", "repeated"],
        msgspec.Meta(description="repeated: the attempt was answered before, and this is dropped."),
    ]
    status: Annotated[str | None, msgspec.Meta(description="The task's, now.")]
