"""A TCP proxy before Postgres that loses what a test tells it to lose, as a network does."""

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(frozen=True, slots=True)
class Trap:
    """Cuts the connection on which ``needle`` is sent, once.

    ``request``: before the server gets it. ``reply``: when the server has answered, in place of the
    answer, so that the client cannot know what became of it.
    """

    needle: bytes
    loses: Literal["request", "reply"]


class Proxy:
    """Forwards connections to a server until it is closed."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.sprung = threading.Event()
        """Whether the trap has cut a connection."""
        self._trap: Trap | None = None
        self._lock = threading.Lock()
        self._links: set[_Link] = set()
        self._refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def set_trap(self, trap: Trap) -> None:
        """Wait for ``trap`` to be sprung, by any connection."""
        with self._lock:
            self.sprung.clear()
            self._trap = trap

    def springs(self, data: bytes) -> Trap | None:
        """Return the trap if ``data`` springs it; it is gone then."""
        with self._lock:
            trap = self._trap
            if trap is None or trap.needle not in data:
                return None
            self._trap = None
        return trap

    def cut_all(self, *, refuse: bool = False) -> None:
        """Cut all connections and, if told to, refuse new ones until ``let_in``."""
        self._refusing = refuse
        for link in list(self._links):
            link.cut()

    def let_in(self) -> None:
        """Let new connections in again."""
        self._refusing = False

    def close(self) -> None:
        """Cut all and listen no longer."""
        self._listener.close()
        self.cut_all()

    def forget(self, link: "_Link") -> None:
        """Take a link that was cut from the books."""
        self._links.discard(link)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refusing:
                    client.close()
                    continue
                with suppress(ConnectionError):
                    server = socket.create_connection(self._upstream)
                    self._links.add(_Link(self, client, server))


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client, self._server = client, server
        self._swallow = threading.Event()
        self._ended = threading.Semaphore(0)
        for pump in (self._up, self._down):
            threading.Thread(target=self._run, args=(pump,), daemon=True).start()
        threading.Thread(target=self._close, daemon=True).start()

    def cut(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._proxy.forget(self)

    def _run(self, pump: Callable[[], None]) -> None:
        with suppress(OSError):
            pump()
        self._ended.release()

    def _close(self) -> None:
        """Close both ends once nobody uses them."""
        self._ended.acquire()
        self._ended.acquire()
        self.cut()
        self._client.close()
        self._server.close()

    def _up(self) -> None:
        while data := self._client.recv(65536):
            trap = self._proxy.springs(data)
            if trap is None:
                self._server.sendall(data)
            elif trap.loses == "request":
                self._proxy.sprung.set()
                break
            else:
                self._swallow.set()
                self._server.sendall(data)
                return  # the connection is cut in place of the reply
        self.cut()

    def _down(self) -> None:
        while data := self._server.recv(65536):
            if self._swallow.is_set():
                self._proxy.sprung.set()
                break
            self._client.sendall(data)
        self.cut()


@contextmanager
def proxied(dsn: str) -> Generator[tuple[Proxy, str]]:
    """Yield a proxy before the server of ``dsn``, and the dsn that goes through it."""
    given = conninfo_to_dict(dsn)
    proxy = Proxy(str(given.get("host") or "127.0.0.1"), int(given.get("port") or 5432))
    try:
        yield (
            proxy,
            make_conninfo(
                dsn, host="127.0.0.1", port=proxy.port, sslmode="disable", gssencmode="disable"
            ),
        )
    finally:
        proxy.close()
