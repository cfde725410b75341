"""Requests that could not be believed: told of once a minute, and counted, never kept.

Anybody can send such requests, as many as he likes: what each costs is a signature and a number.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from anyio import to_thread

log = logging.getLogger("onceflow.api")

PAUSE: Final = 60.0
"""Seconds between two lines of the log about the same webhook."""


class Refused(NamedTuple):
    """Which webhook refused requests, and why: of few reasons one, whatever was sent."""

    workflow: str
    trigger: str
    code: str
    message: str


class _Window:
    """How many were refused since it was told last."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.number = 0


class Refusals:
    """The first of a kind is told at once, with ``keep``; those that follow, in sums."""

    def __init__(
        self,
        keep: Callable[[Refused, int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep = keep
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[Refused, _Window] = {}

    def note(self, refused: Refused) -> None:
        """Note one request; the webhook is one that there is."""
        with self._lock:
            window = self._windows.get(refused)
            if window is not None:
                window.number += 1
                return
            self._windows[refused] = _Window(self._clock() + PAUSE)
        self._tell(refused, 1)

    def tell(self, *, at_once: bool = False) -> None:
        """Tell of those whose minute is over, or of all."""
        now = self._clock()
        due: list[tuple[Refused, _Window]] = []
        with self._lock:
            for refused, window in list(self._windows.items()):
                if at_once or window.ends <= now:
                    due.append((refused, window))
                    if window.number and not at_once:
                        self._windows[refused] = _Window(now + PAUSE)
                    else:
                        del self._windows[refused]
        for refused, window in due:
            if window.number:
                self._tell(refused, window.number)

    async def keep_telling(self) -> None:
        """Tell each minute, until cancelled."""
        while True:
            await asyncio.sleep(PAUSE)
            await to_thread.run_sync(self.tell)

    def _tell(self, refused: Refused, number: int) -> None:
        requests = "a request" if number == 1 else f"{number} requests"
        log.warning(
            "webhook %s/%s refused %s: %s",
            *(refused.workflow, refused.trigger, requests, refused.message),
        )
        try:
            self._keep(refused, number)
        except Exception as error:  # the answer to the request does not depend on it
            log.warning("what webhooks refused could not be counted: %s", error)
