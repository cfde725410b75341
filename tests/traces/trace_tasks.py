"""Handlers of the workers whose spans are received."""

import os
from typing import Any

from opentelemetry import trace

from onceflow.worker import Context, PermanentError, RetryableError, task


def seen() -> dict[str, Any]:
    """Return what a handler sees of its span."""
    context = trace.get_current_span().get_span_context()
    return {"trace": f"{context.trace_id:032x}", "span": f"{context.span_id:016x}"}


@task("traces.first", queue="first")
async def first(ctx: Context) -> dict[str, Any]:
    if ctx.attempt == 1:
        raise RetryableError("not yet", code="not.yet")
    return {**seen(), "pid": os.getpid()}


@task("traces.undo", queue="first")
def undo() -> dict[str, Any]:
    return seen()


@task("traces.second", queue="second", transactional=True)
def second() -> dict[str, Any]:
    return {**seen(), "pid": os.getpid()}


@task("traces.last", queue="second")
def last() -> None:
    raise PermanentError("no", code="never")
