"""The span of a request that changes something: of a start it is the root of the trace."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from ..engine.traces import spans
from ..engine.tracing import read_trace, told_trace

if TYPE_CHECKING:
    from opentelemetry.trace import Span

ASKING: Final = ("GET", "HEAD")


class RequestSpan:
    """The span of one request, or none."""

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span

    def answered(self, status: int) -> None:
        """Tell the status of the answer."""
        if self._span is None:
            return
        with spans.harmless("be told of its end"):
            self._span.set_attribute("http.response.status_code", status)
            if status >= 500:
                spans.fail(self._span, str(status))


@contextmanager
def request_span(request: Request, path: str) -> Generator[RequestSpan]:
    """Answer a request in a span, where somebody traces; ``path`` is that of its route."""
    span = None
    trace = read_trace(request.headers)
    if spans.is_set_up() and request.method not in ASKING:
        attributes = {"http.request.method": request.method, "http.route": path}
        with spans.harmless("begin"):
            span = spans.begin(f"{request.method} {path}", trace, attributes, kind="server")
    before = told_trace.set(trace)
    try:
        with spans.current(span):
            yield RequestSpan(span)
    finally:
        told_trace.reset(before)
