"""A collector of spans: OTLP over HTTP, as the exporter of OpenTelemetry sends it."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """A span as it came; ids in hexadecimal, times in nanoseconds since 1970."""

    service: str
    process: int
    name: str
    trace: str
    id: str
    parent: str
    links: list[str]
    start: int
    end: int
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    """Where spans are sent to, and what has come."""

    url: str
    spans: list[Received] = field(default_factory=list[Received])

    def of(self, trace: str) -> list[Received]:
        """Return the spans of a trace, in the order in which they began."""
        return sorted((s for s in self.spans if s.trace == trace), key=lambda span: span.start)


def read(body: bytes) -> list[Received]:
    """Decode a request."""
    request = ExportTraceServiceRequest.FromString(body)
    found: list[Received] = []
    for resource in request.resource_spans:
        own = _values(resource.resource.attributes)
        for scope in resource.scope_spans:
            found += [
                Received(
                    own["service.name"],
                    own.get("process.pid", 0),
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    [link.trace_id.hex() for link in span.links],
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    _values(span.attributes),
                )
                for span in scope.spans
            ]
    return found


def _values(attributes: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
        for each in attributes
    }


@contextmanager
def collecting() -> Generator[Collector]:
    """Run a collector on a free port."""
    collector = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.spans.extend(read(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
