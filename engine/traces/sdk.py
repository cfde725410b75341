"""The SDK of OpenTelemetry, set up to send spans by OTLP over HTTP; imported where that is wanted.

All that it heeds are the variables ``OTEL_…`` that its specification names.
"""

import logging
import os
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from ..tracing import wanted_trace_id

log = logging.getLogger("onceflow.traces")


class Ids(RandomIdGenerator):
    """Random ids, but where the trace of a root span is known."""

    def generate_trace_id(self) -> int:
        """Return the id of a new trace."""
        return wanted_trace_id.get() or super().generate_trace_id()


class ToldOnce(SpanExporter):
    """An exporter whose trouble is told of once when it begins, and once when it is over."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; never raises."""
        try:
            result, reason = self._exporter.export(spans), "it did not take them"
        except Exception as error:  # whatever an address or a proxy leads to
            result, reason = SpanExportResult.FAILURE, f"{type(error).__name__}: {error}"
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                log.info("spans are sent again; %d were lost", self._lost)
            self._lost = 0
        else:
            if not self._lost:
                log.warning("spans are lost, the collector cannot be reached: %s", reason)
            self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        """Close the connections."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is kept here."""
        return True


def set_up(process: str) -> TracerProvider | None:
    """Set the SDK up for this process; None where somebody has done so, or it cannot be.

    Raises nothing: a variable that is wrong is told, and no spans are sent.
    """
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip()
    if protocol not in ("", "http/protobuf"):
        log.warning("OTEL_EXPORTER_OTLP_PROTOCOL is %s: spans are sent by http/protobuf", protocol)
    # Each try that fails would be a line; ToldOnce says it.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    try:
        own = {
            SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", "").strip() or f"onceflow-{process}"
        }
        provider = TracerProvider(
            id_generator=Ids(), resource=Resource.create(own), shutdown_on_exit=False
        )
        provider.add_span_processor(BatchSpanProcessor(ToldOnce(OTLPSpanExporter())))
    except Exception as error:
        log.warning("no spans are sent; mend the variables OTEL_…: %s", error)
        return None
    trace.set_tracer_provider(provider)
    if trace.get_tracer_provider() is not provider:  # an application has set up its own
        provider.shutdown()
        return None
    return provider
