"""Spans of OpenTelemetry: made where an SDK is set up, sent where the environment says so.

Whoever does not trace pays nothing: OpenTelemetry is imported once there is a trace or an SDK. What
it does may fail; nothing of ours fails, or waits, for it.
"""

import hashlib
import logging
import os
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from ..extras import how_to
from ..tracing import Trace, id_of, wanted_trace_id

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, Span, SpanContext

log = logging.getLogger("onceflow.traces")

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
LAST_SPANS: Final = 5.0
"""Seconds that a process which ends waits for its last spans to be sent."""
LINKS: Final = 128
"""Links of a span, as the SDK keeps them."""

Kind = Literal["internal", "server", "producer", "consumer"]


def trace_id_of(instance_id: UUID, trace: Trace | None) -> str:
    """Return the id of the trace in which the attempts of an instance are, where they are traced.

    It is that of the context that came with the start; without one it follows from the instance's
    id, by a hash, since samplers take ids of traces for random.
    """
    return id_of(trace) or hashlib.sha256(instance_id.bytes).hexdigest()[:32]


def is_set_up() -> bool:
    """Tell whether this process has an SDK, by us or by an application that has us in it."""
    return "opentelemetry.sdk.trace" in sys.modules


@contextmanager
def sending(process: str) -> Generator[None]:
    """Have the spans of this process sent, if OTEL_EXPORTER_OTLP_ENDPOINT says where to."""
    provider = _set_up(process)
    try:
        yield
    finally:
        if provider is not None:  # a collector that is away may take longer than we have
            end = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
            end.start()
            end.join(LAST_SPANS)


def _set_up(process: str) -> "TracerProvider | None":
    env = os.environ
    if not any(env.get(name, "").strip() for name in ENDPOINTS) or (
        env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        or env.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    ):
        return None
    try:
        from . import sdk
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        log.warning("no spans are sent, as their package is missing: %s", how_to("opentelemetry"))
        return None
    return sdk.set_up(process)


def context_of(trace: Trace | None) -> "Context":
    """Return the context in which a trace's span is the current one, from elsewhere."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )

    return TraceContextTextMapPropagator().extract(dict(trace or {}), Context())


def links_to(traces: Sequence[Trace]) -> "list[Link]":
    """Return links to the sampled ones among some traces, as many as a span keeps."""
    from opentelemetry.trace import Link, get_current_span

    found: dict[str, SpanContext] = {}
    for trace in traces:
        parent = trace.get("traceparent", "")
        if parent not in found and len(found) < LINKS:
            span = get_current_span(context_of(trace)).get_span_context()
            if span.is_valid and span.trace_flags.sampled:
                found[parent] = span
    return [Link(each) for each in found.values()]


def begin(
    name: str,
    trace: Trace | None,
    attributes: Mapping[str, Any],
    *,
    kind: Kind = "internal",
    instance_id: UUID | None = None,
    links: "Sequence[Link]" = (),
    start_time: int | None = None,
) -> "Span":
    """Begin a span that is a child of ``trace``, or else the root of the instance's own trace.

    ``start_time`` is in nanoseconds since 1970. Who begins it ends it.
    """
    from opentelemetry import trace as api

    wanted: int | None = None
    if trace is None and instance_id is not None:
        wanted = int(trace_id_of(instance_id, None), 16)
    before = wanted_trace_id.set(wanted)
    try:
        return api.get_tracer("onceflow").start_span(
            name,
            context_of(trace),
            api.SpanKind[kind.upper()],
            {key: value for key, value in attributes.items() if value is not None},
            links,
            start_time,
        )
    finally:
        wanted_trace_id.reset(before)


@contextmanager
def harmless(what: str) -> Generator[None]:
    """Do something about a span in this block: where it raises, nothing else fails for that."""
    try:
        yield
    except Exception:  # of an SDK, or of a processor of the application's own
        log.debug("a span could not %s", what, exc_info=True)


@contextmanager
def current(span: "Span | None") -> Generator[None]:
    """Make a span, if there is one, the current one in this block, and end it with that.

    It raises nothing of its own.
    """
    entered = None
    if span is not None:
        with harmless("begin"):
            from opentelemetry import trace as api

            using = api.use_span(
                span, end_on_exit=True, record_exception=False, set_status_on_exception=False
            )
            using.__enter__()
            entered = using
    try:
        yield
    finally:
        if entered is not None:
            with harmless("end"):
                entered.__exit__(None, None, None)


def fail(span: "Span", code: str) -> None:
    """Say that what a span tells of has failed; ``code`` is that of the error."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", code)
    span.set_status(StatusCode.ERROR, code)


def note(**attributes: str | int) -> None:
    """Set attributes ``onceflow.…`` of the current span, where there is one."""
    if is_set_up():
        from opentelemetry import trace as api

        span = api.get_current_span()
        for name, value in attributes.items():
            span.set_attribute(f"onceflow.{name}", value)
