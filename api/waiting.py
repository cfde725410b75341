"""The waiting room: requests that await the end of an instance, without a thread or connection.

All who wait are looked after by one task: it asks for the state of all their instances in one
query, often while someone has just come, then ever less often.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final
from uuid import UUID

import psycopg
from starlette.concurrency import run_in_threadpool

from .database import Database

log = logging.getLogger("onceflow.api")

SHORTEST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5
"""Seconds between two looks: a quarter of the time since someone came, within these bounds."""


class Waiting:
    """Who waits for which instance. Belongs to one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiters: dict[UUID, set[asyncio.Event]] = {}
        self._newest = 0.0
        self._came = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    async def until_ended(self, instance: UUID, seconds: float) -> None:
        """Return when the instance has ended, after ``seconds``, or when the server stops."""
        if self._closed:
            return
        ended = asyncio.Event()
        self._waiters.setdefault(instance, set()).add(ended)
        self._newest = asyncio.get_running_loop().time()
        self._came.set()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ended.wait()
        finally:
            those = self._waiters[instance]
            those.discard(ended)
            if not those:
                del self._waiters[instance]

    def let_go(self) -> None:
        """Send everybody away, and whoever comes later too: the server is about to stop."""
        self._closed = True
        self._wake(list(self._waiters))

    async def close(self) -> None:
        """Let everybody go and end."""
        self.let_go()
        if self._looking is not None:
            self._came.set()
            await self._looking

    async def _look(self) -> None:
        while self._waiters and not self._closed:
            try:
                self._wake(await run_in_threadpool(self._ended, list(self._waiters)))
                pause = (asyncio.get_running_loop().time() - self._newest) / 4
            except psycopg.Error as error:
                log.warning("cannot see how instances are doing: %s", error)
                pause = LONGEST_PAUSE
            self._came.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(SHORTEST_PAUSE, min(pause, LONGEST_PAUSE))):
                    await self._came.wait()

    def _ended(self, instances: list[UUID]) -> list[UUID]:
        with self._database.connection() as conn:
            found = conn.execute(
                "select id from onceflow.instances where id = any(%s) and ended_at is not null",
                (instances,),
            )
            return [instance for (instance,) in found]

    def _wake(self, instances: list[UUID]) -> None:
        for instance in instances:
            for ended in self._waiters.get(instance, ()):
                ended.set()
