"""One connection of a client: what it may send, how large, and in how much time.

uvicorn waits for ever for the rest of a head or body once it has begun, and h11, its parser, takes
a request that has both a Content-Length and a Transfer-Encoding, of which a proxy before us may
believe the other one. Here a request is refused, or its connection dropped, before it can cost more
than its own bytes: no thread and no connection to Postgres is held while a request arrives.
"""

import asyncio
import sys
from collections import OrderedDict
from typing import Any, ClassVar, Final, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from .problems import MEDIA_TYPE, Problem, respond

HEAD_LIMIT: Final = 32 << 10
"""Bytes that a request's line and headers may have."""
HEAD_TIME: Final = 10.0
"""Seconds in which a request's line and headers must arrive."""
BODY_TIME: Final = 30.0
"""Seconds in which its body must."""
PACE_TIME: Final = 15.0
"""Seconds in which a client must have taken some more of an answer,"""
PACE: Final = 64 << 10
"""namely so many bytes."""
FLUSH_TIME: Final = 5.0
"""Seconds in which a client must have taken the rest of the last answer."""
SPARE_FILES: Final = 100
"""File descriptors that connections of clients leave to the rest of the process."""
WAITING: Final = (h11.IDLE, h11.SEND_BODY)


class StrictConnection(h11.Connection):
    """Refuses what two readers of the same bytes may take for different requests."""

    def next_event(self) -> Any:
        """Return the next event. Raises h11.RemoteProtocolError."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if b"transfer-encoding" in names and b"content-length" in names:
                raise h11.RemoteProtocolError(
                    "a request with both Content-Length and Transfer-Encoding"
                )
            if b"transfer-encoding" in names and event.http_version < b"1.1":
                raise h11.RemoteProtocolError("Transfer-Encoding in a request of HTTP/1.0")
        return event


class Connection(H11Protocol):
    """uvicorn's own, with limits.

    ``most`` connections are open at a time: of those that have not sent a whole head, which may be
    many and cost nothing to open, the oldest gives way to a new one.
    """

    most: ClassVar[int] = 10_000
    waiting: ClassVar["OrderedDict[Connection, None]"] = OrderedDict()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = StrictConnection(h11.SERVER, HEAD_LIMIT)
        self._phase: tuple[object, ...] = ()
        self._deadline: asyncio.TimerHandle | None = None
        self._pace: asyncio.TimerHandle | None = None

    # What comes in ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, and drop another where there are too many."""
        super().connection_made(transport)
        self.waiting[self] = None
        if len(self.connections) > self.most:
            next(iter(self.waiting)).drop()
        self._expect(("head", None), HEAD_TIME)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, and see how long we wait for what is missing."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """See to what the client sent meanwhile."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        super().connection_lost(exc)
        self.waiting.pop(self, None)
        self._unset_keepalive_if_required()
        self._expect((), None)
        self._stop_pacing()

    def _watch(self) -> None:
        """Set the deadline of the head or body that has begun and is not whole."""
        state = self.conn.their_state
        if self.transport.is_closing() or state not in WAITING:
            self.waiting.pop(self, None)
            self._expect((), None)
        elif state is h11.SEND_BODY:
            self.waiting.pop(self, None)
            self._expect(("body", self.cycle), BODY_TIME)
        else:
            self.waiting.setdefault(self)
            begun = bool(self.conn.trailing_data[0])
            # Between two requests it is uvicorn's keep-alive that waits.
            self._expect(("head", self.cycle) if begun else (), HEAD_TIME if begun else None)

    def _expect(self, phase: tuple[object, ...], seconds: float | None) -> None:
        """Begin to wait for a phase's end, unless we wait for just that already."""
        if phase and phase == self._phase:
            return
        self._phase = phase
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if not self.conn.trailing_data[0] and self.conn.their_state is h11.IDLE:
            self.drop()  # it has said nothing: nor do we
            return
        what = "body" if self.conn.their_state is h11.SEND_BODY else "head"
        limit = BODY_TIME if what == "body" else HEAD_TIME
        self._refuse(408, f"The {what} of this request did not arrive within {limit:g} seconds.")

    # What is refused -------------------------------------------------------------------------

    def _should_upgrade(self) -> bool:
        """No other protocol is spoken here, and asking for one is no fault."""
        return False

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed; uvicorn calls this as it handles h11's error."""
        error = sys.exc_info()[1]
        if not isinstance(error, h11.RemoteProtocolError):
            self._refuse(400, msg)
        elif error.error_status_hint == 431:
            self._refuse(431, f"The head of this request is larger than {HEAD_LIMIT:,} bytes.")
        else:
            self._refuse(error.error_status_hint, f"This is no request of HTTP/1.1: {error}.")

    def _refuse(self, status: int, detail: str) -> None:
        """Answer with a problem where no answer has begun, and close."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.drop()
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)  # none before the first request
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # whoever handles the request has nobody to answer
            cycle.message_event.set()
        answer = respond(Problem(status, detail))
        headers = [
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(answer.body))),
            ("Connection", "close"),
        ]
        response = h11.Response(status_code=status, headers=headers)
        for event in (response, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self._close()

    def drop(self) -> None:
        """End the connection without a word."""
        self.waiting.pop(self, None)
        self.transport.abort()

    # What goes out ---------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The client takes an answer more slowly than we give it: see that it goes on."""
        super().pause_writing()
        self._measure()

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._stop_pacing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle, with what is left of the last answer."""
        super().timeout_keep_alive_handler()
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self.loop.call_later(FLUSH_TIME, self.transport.abort)

    def _measure(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._pace = self.loop.call_later(PACE_TIME, self._compare, left)

    def _compare(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < PACE:
            self.drop()
        else:
            self._measure()

    def _stop_pacing(self) -> None:
        if self._pace is not None:
            self._pace.cancel()
            self._pace = None


def set_most_connections() -> None:
    """Let as many clients in as the process may have files open."""
    try:
        import resource
    except ImportError:  # where there is no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = Connection.most + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        Connection.most = max(soft - SPARE_FILES, 1)
