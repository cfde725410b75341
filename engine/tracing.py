"""W3C trace contexts: which trace something belongs to, as it travels with starts and messages.

OpenTelemetry is imported nowhere here: where nobody has, there is no span that could be current.
"""

import os
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, TypeAlias

Trace: TypeAlias = Mapping[str, str]
"""``traceparent`` and, where there is one, ``tracestate``."""

NAMES: Final = ("traceparent", "tracestate")
PARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})"
)
wanted_trace_id: ContextVar[int | None] = ContextVar("wanted_trace_id", default=None)
"""The trace of the root span that is about to begin: all attempts of an instance have one."""
told_trace: ContextVar[Trace | None] = ContextVar("told_trace", default=None)
"""What the request brought that is being answered: the log tells it where nobody makes spans."""
_STATE: Final = re.compile(r"[ -~]{1,512}")


def read_trace(headers: Mapping[str, str]) -> Trace | None:
    """Return the trace context that headers bring; None where there is none that is well-formed.

    Strangers send it: what is malformed is passed over, as the recommendation of the W3C has it.
    """
    parent, state = headers.get("traceparent", ""), headers.get("tracestate", "")
    if not PARENT.fullmatch(parent):
        return None
    found = {"traceparent": parent}
    if _STATE.fullmatch(state):
        found["tracestate"] = state
    return found


def variables() -> Trace:
    """Return what programs that call others tell them: ``TRACEPARENT`` and ``TRACESTATE``."""
    return {name: os.environ.get(name.upper(), "") for name in NAMES}


def current_trace() -> Trace | None:
    """Return the context of the caller's current span; None where there is none."""
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry import trace

    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    found = {"traceparent": f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"}
    if span.trace_state:
        found["tracestate"] = span.trace_state.to_header()
    return found


def id_of(trace: Trace | None) -> str | None:
    """Return the id of the trace that a context belongs to; None where there is none."""
    found = PARENT.fullmatch((trace or {}).get("traceparent", ""))
    return None if found is None else found[1]


def current_trace_id() -> str | None:
    """Return the id of the trace to which belongs what is done now; None where there is none."""
    return id_of(current_trace() or told_trace.get())
