"""A small HTTP server in threads of its own: what probes and Prometheus ask a process.

It can neither stall nor end the process that it tells of: what it asks may take only so long, what
fails is answered, and of callers that are slow or many it drops the latest.
"""

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from ..errors import ServerError
from .answers import TEXT, Answer

log = logging.getLogger("onceflow.monitoring")

AT_ONCE: Final = 8
"""Requests that are answered at one time."""
TIMEOUT: Final = 10.0
"""Seconds that a caller may take to ask, and to take the answer."""


class MonitoringServer:
    """Serves answers by path until it is closed; ``port`` 0 takes a free one."""

    def __init__(self, host: str, port: int, answers: Mapping[str, Callable[[], Answer]]) -> None:
        """Listen. Raises ServerError where the address cannot be had."""
        room = threading.BoundedSemaphore(AT_ONCE)

        class Handler(_Handler):
            paths = answers

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 16
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def process_request(self, request: Any, client_address: Any) -> None:
                if not room.acquire(blocking=False):
                    self.shutdown_request(request)
                    return
                try:
                    super().process_request(request, client_address)
                except RuntimeError:  # no thread can be had
                    room.release()
                    self.shutdown_request(request)

            def process_request_thread(self, request: Any, client_address: Any) -> None:
                try:
                    super().process_request_thread(request, client_address)
                finally:
                    room.release()

            def handle_error(self, request: Any, client_address: Any) -> None:
                log.debug("a request of %s failed", client_address, exc_info=True)

        try:
            self._server = Server((host, port), Handler)
        except OSError as error:
            raise ServerError(
                f"cannot serve metrics on port {port} of {host}: {error.strerror}",
                hint="choose others with ONCEFLOW_METRICS_HOST and ONCEFLOW_METRICS_PORT: each "
                "process of a machine needs its own",
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="monitoring", daemon=True
        )
        self._thread.start()
        place = f"[{host}]" if ":" in host else host
        log.info("metrics at http://%s:%d/metrics", place, self.port)

    def close(self) -> None:
        """Serve no longer."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = TIMEOUT
    paths: Mapping[str, Callable[[], Answer]]
    server_version = "onceflow"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer; what fails is told in a few words."""
        answer = self.paths.get(self.path.partition("?")[0])
        if answer is None:
            self._tell(404, TEXT, f"There are {', '.join(self.paths)}.\n".encode())
            return
        try:
            told = answer()
        except Exception:
            log.exception("%s could not be answered", self.path[:100])
            told = 500, TEXT, b"It failed; the log of the process says why.\n"
        self._tell(*told)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing of requests: probes come all the time."""

    def _tell(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
