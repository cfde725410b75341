"""The span of an attempt: what a handler does in it is its child. Nothing here raises."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ...engine.traces import spans
from ...engine.tracing import Trace
from ..handlers.faults import Fault
from ..handlers.later import Later
from .attempt import Attempt
from .traced import Waited, read_traced

if TYPE_CHECKING:
    from opentelemetry.trace import Span


class AttemptSpan:
    """The span of one attempt, or none; what its handler does in this block is within it."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._span: Span | None = None
        self._current: AbstractContextManager[None] | None = None

    def __enter__(self) -> "AttemptSpan":
        self._span = _begin(self._attempt)
        if self._span is not None:
            self._current = spans.current(self._span)
            self._current.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._current is not None:
            self._current.__exit__(None, None, None)

    @property
    def told(self) -> bool:
        """Whether somebody traces."""
        return self._span is not None

    def answer(self, answer: object) -> None:
        """Tell what the attempt came to; call it before the attempt is settled by that."""
        if self._span is None:
            return
        with spans.harmless("be told of its end"):
            outcome = "succeeded"
            if isinstance(answer, Fault):
                outcome = "failed"
                spans.fail(self._span, str(answer.error.get("code")))
            elif isinstance(answer, Later):
                outcome = "deferred"
            if self._attempt.settled:  # its time was up, or it was given back
                self._span.set_attribute("onceflow.late", True)
                spans.fail(self._span, self._attempt.context.stop_reason or "answered by others")
            self._span.set_attribute("onceflow.outcome", outcome)


def _begin(attempt: Attempt) -> "Span | None":
    grant = attempt.grant
    extra = read_traced(grant)
    if extra.trace is None and not spans.is_set_up():
        return None
    with spans.harmless("begin"):
        own = {
            "onceflow.instance": str(grant.instance_id),
            "onceflow.workflow": grant.workflow,
            "onceflow.version": grant.version,
        }
        if not attempt.started:
            for waited in extra.waited:
                _tell_wait(waited, extra.trace, own)
        more = {
            "onceflow.step": grant.task.partition("/")[0],
            "onceflow.task": grant.task,
            "onceflow.handler": grant.handler,
            "onceflow.attempt": grant.attempt,
            "onceflow.queue": grant.queue,
            "onceflow.compensation": grant.compensation,
        }
        return spans.begin(
            grant.handler, extra.trace, own | more, kind="consumer", instance_id=grant.instance_id
        )
    return None


def _tell_wait(waited: Waited, trace: Trace | None, own: dict[str, str | int]) -> None:
    start, end = (round(at.timestamp() * 1e9) for at in (waited.since, waited.until))
    attributes = own | {"onceflow.task": waited.task}
    span = spans.begin(f"wait: {waited.kind}", trace, attributes, start_time=start)
    span.end(max(start, end))
