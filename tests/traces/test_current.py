"""What a handler sends bears the context of its current span; whoever has none sends none."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import sentinel

import msgspec
import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from onceflow.engine.traces import spans
from onceflow.engine.tracing import current_trace, read_trace
from onceflow.worker import Context
from onceflow.worker.integrations.http_question import first_hop

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def span() -> Iterator[None]:
    state = TraceState([("vendor", "1")])
    context = SpanContext(TRACE, 0xB7AD6B7169203331, True, TraceFlags(1), state)
    with trace.use_span(NonRecordingSpan(context)):
        yield


def sent(headers: dict[str, str]) -> dict[str, str]:
    hop = first_hop("GET", "http://127.0.0.1/", headers, {}, msgspec.UNSET, None, "key")
    return {name.lower(): value for name, value in hop.headers.items()}


@pytest.mark.usefixtures("span")
def test_the_current_span_is_told_as_the_w3c_has_it() -> None:
    assert current_trace() == {"traceparent": PARENT, "tracestate": "vendor=1"}


class Broken(NonRecordingSpan):
    """A span of an application whose processor raises."""

    def end(self, end_time: int | None = None) -> None:
        raise RuntimeError("of a processor")


def test_a_span_that_cannot_end_fails_nothing_and_hides_nothing() -> None:
    broken = Broken(SpanContext(TRACE, 0xB7AD6B7169203331, True))
    with spans.current(broken):
        assert trace.get_current_span() is broken
    with pytest.raises(KeyError), spans.current(broken):
        raise KeyError("of what is done in it")
    assert current_trace() is None


def test_who_has_no_span_has_no_context() -> None:
    assert current_trace() is None


def test_the_client_loads_nothing_of_opentelemetry() -> None:
    found = asyncio.run(_modules("import onceflow.client"))
    assert [name for name in found if name.startswith("opentelemetry")] == []


async def _modules(code: str) -> list[str]:
    code += "; import sys; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().split()


@pytest.mark.usefixtures("span")
def test_a_request_and_an_event_bear_it_unless_the_step_says_otherwise() -> None:
    assert sent({})["traceparent"] == PARENT
    assert sent({"Traceparent": "mine"})["traceparent"] == "mine"
    ctx: Context[Any] = Context.for_test(sentinel.connection)
    ctx.publish("told", 1)
    ctx.publish("told", 2, headers={"traceparent": "mine"})
    first, second = ctx.take_events()
    assert first.headers == {"traceparent": PARENT, "tracestate": "vendor=1"}
    assert second.headers["traceparent"] == "mine"


def test_without_a_span_nothing_is_added() -> None:
    assert "traceparent" not in sent({})


@pytest.mark.parametrize(
    "parent",
    ["", "00", PARENT.upper(), PARENT + "-more", "ff" + PARENT[2:], PARENT + "\n", "x" * 100_000],
)
def test_a_context_that_is_malformed_is_none(parent: str) -> None:
    assert read_trace({"traceparent": parent, "tracestate": "vendor=1"}) is None
