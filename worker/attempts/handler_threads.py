"""Threads for sync handlers. Unlike those of concurrent.futures they keep no process alive."""

import itertools
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

log = logging.getLogger("onceflow.worker")


Job: TypeAlias = Callable[[], Callable[[], None] | None]
"""What a thread runs, and handles the errors of itself; it may return what the thread is to do once
it is free for the next job: that may submit one, and so run it here."""


class HandlerThreads:
    """Daemon threads, as many as there were ever jobs at once; the slots bound these."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._numbers = itertools.count(1)

    def submit(self, job: Job) -> None:
        """Run ``job`` in a thread at once."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1  # that thread is promised to this job
            else:
                name = f"handler-{next(self._numbers)}"
                threading.Thread(target=self._run, name=name, daemon=True).start()
        self._jobs.put(job)

    def close(self) -> None:
        """Let idle threads end."""
        with self._lock:
            for _ in range(self._idle):
                self._jobs.put(None)
            self._idle = 0

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            rest: Callable[[], None] | None = None
            try:
                rest = job()
            except BaseException as error:  # the thread goes on
                log.error("a job of a handler's thread failed: %s", type(error).__name__)
            with self._lock:
                self._idle += 1
            if rest is not None:
                rest()
