"""A server that is away is told of once when it goes, and once when it is back.

However many ask for it and however often they fail: whoever reads the log wants to know since when,
and why.
"""

import logging
import threading
import time

from .settings import Settings

REASON_HOLDS = 30.0
"""Seconds for which what a client noted is taken for the reason of a failure."""


class Outage:
    """Whether a server is away, for all threads of a process that ask for it."""

    def __init__(self, log: logging.Logger, server: str) -> None:
        """``server`` is how the log calls it: ``Kafka at localhost:9092``."""
        self._log = log
        self._server = server
        self._lock = threading.Lock()
        self._since: float | None = None
        self._noted = ("", -REASON_HOLDS)

    @property
    def lasts(self) -> bool:
        """Whether it is away, as far as was told."""
        return self._since is not None

    def note(self, reason: str) -> None:
        """Keep what a client says of a connection: it mends that itself, or it is the reason."""
        self._noted = (reason, time.monotonic())
        self._log.debug("%s: %s", self._server, reason)

    def begins(self, reason: str) -> None:
        """Say that it is away, unless that was said."""
        with self._lock:
            if self._since is not None:
                return
            self._since = time.monotonic()
        noted, at = self._noted
        if noted not in reason and self._since - at < REASON_HOLDS:
            reason = f"{reason}; {noted}"
        self._log.warning("waiting for %s (%s)", self._server, reason)

    def ends(self) -> None:
        """Say that it is back, if it was away."""
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            self._log.info("%s answers, after %.0f s", self._server, time.monotonic() - since)


def client_log(name: str, settings: Settings) -> logging.Logger:
    """Return a log for what a Kafka client writes itself.

    It repeats a connection that fails twenty times a second, and ``error_cb`` tells that better; so
    nothing of it is shown, unless ONCEFLOW_KAFKA_DEBUG asks for it.
    """
    log = logging.getLogger(name)
    log.setLevel(logging.DEBUG if "debug" in settings.kafka_options else logging.CRITICAL)
    return log
