"""Browsers that look at pages are told when these may have changed, by one task for all of them.

It asks Postgres about the instances that are looked at, all in one query a second; other pages are
said to change every few seconds. A browser that was told asks for its page, which is made once for
all who see the same of it. So many browsers cost what one does.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from .. import root
from ..accounts.visitor import current, enter, unnamed
from ..database import Database
from ..problems import Problem
from .changes import read_changes
from .subjects import Make, Stream, Subject, read_subject, url_of

log = logging.getLogger("onceflow.api")

HEADER: Final = "onceflow-stream"
"""The request header by which a browser that was told asks for its page: the id of its stream."""
BY_NAME: Final = "/ui/forms/"
"""Pages that show who looks at them."""
MOST_STREAMS: Final = 1000
"""Browsers that are told at a time, by one process."""
PAUSE: Final = 1.0
"""Seconds between two looks, so at least between two changes of one page."""
TIMED: Final = 5.0
"""Seconds after which a page that is no instance's may have changed, or what running tasks tell."""
LONGEST_REST: Final = 60.0
"""Seconds after which any page may have: it tells how long ago things were."""
HEARTBEAT: Final = 15.0
"""Seconds after which something is sent in any case, for proxies end what is silent."""
UNHEEDED: Final = 30.0
"""Seconds in which a browser that was told must have asked for its page; else it is not there."""


class Live:
    """Who looks at which page. Belongs to one event loop."""

    def __init__(self, database: Database, most: int = MOST_STREAMS) -> None:
        self._database = database
        self._most = most
        self._subjects: dict[str, Subject] = {}
        self._streams: dict[str, Stream] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    def open(self, of: str) -> Stream:
        """Return a stream that tells of a page, by its path and query. Raises Problem 422, 503."""
        read = read_subject(of)
        if self._closed or len(self._streams) >= self._most:
            why = "This server stops" if self._closed else "Too many pages are looked at"
            later = {"Retry-After": "30"}
            raise Problem(503, f"{why}: reload the page to see it as it is.", headers=later)
        return Stream(self._subjects.get(read.url, read))

    @contextmanager
    def watching(self, stream: Stream) -> Generator[None]:
        """Have a stream told of changes for as long as its browser is there."""
        subject = self._subjects.setdefault(stream.subject.url, stream.subject)
        stream.subject = subject
        subject.streams.add(stream)
        self._streams[stream.id] = stream
        # Since the browser's page was made it may have changed: of an instance the first look says.
        if subject.instance is None and not subject.changes:
            subject.change(self._now())
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            subject.streams.discard(stream)
            del self._streams[stream.id]
            if not subject.streams:
                del self._subjects[subject.url]

    async def tell(self, stream: Stream) -> AsyncGenerator[str]:
        """Yield what a browser is sent, until it is over."""
        subject = stream.subject
        yield "retry: 5000\n\n"
        while not stream.over:
            stream.wake.clear()
            if stream.told < subject.changes:
                if stream.heeded == stream.told:
                    stream.told_at = self._now()
                stream.told = subject.changes
                yield f"event: change\ndata: {stream.id}\n\n"
                continue
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await stream.wake.wait()
            except TimeoutError:
                yield ":\n\n"

    async def answer(self, request: Request, make: Make) -> Response:
        """Return the page that a request asks for: made for it, or for all who look at it.

        What a page tells depends on its path and query and on the role of who asks: on nothing
        else, but for forms of people, which are asked for by name.
        """
        stream = self._streams.get(request.headers.get(HEADER, ""))
        path = root.below(root.current(), request.scope["path"])
        query = request.scope["query_string"].decode("latin-1")
        if stream is None or stream.subject.url != url_of(path, query):
            return await make()
        stream.heeded = stream.told
        asking = current()
        shared = unnamed(asking, keep=path.startswith(BY_NAME))

        def make_shared() -> Awaitable[Response]:
            enter(shared)
            return make()

        made = await stream.subject.answer(
            f"{shared} {bool(shared.secret)}", stream.told, make_shared
        )
        # What the forms of a page bear is of who gets it, not of whom it was made for.
        body = bytes(made.body)
        if shared.form_token:
            body = body.replace(shared.form_token.encode(), asking.form_token.encode())
        return Response(body, made.status_code, media_type=made.headers.get("content-type"))

    def leave(self, request: Request) -> None:
        """End the stream of a browser that asks for its page and is not let in any more."""
        stream = self._streams.get(request.headers.get(HEADER, ""))
        if stream is not None:
            stream.end()

    def let_go(self) -> None:
        """End all streams, and let none begin: the server is about to stop."""
        self._closed = True
        for stream in self._streams.values():
            stream.end()

    async def close(self) -> None:
        """Let all go and end."""
        self.let_go()
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look(self) -> None:
        while self._subjects:
            try:
                await self._see_instances()
            except psycopg.Error as error:
                log.warning("cannot see whether instances have changed: %s", error)
            self._see_times()
            await asyncio.sleep(PAUSE)

    async def _see_instances(self) -> None:
        """Ask Postgres which instances have changed."""
        now = self._now()
        watched = {
            subject: subject.instance
            for subject in self._subjects.values()
            if subject.instance is not None and subject.rests_until <= now
        }
        if not watched:
            return
        seen = await run_in_threadpool(read_changes, self._database, [*{*watched.values()}])
        for subject, instance in watched.items():
            token, subject.running = seen.get(instance, ("gone", False))
            if token != subject.token:
                subject.token = token
                subject.change(self._now())

    def _see_times(self) -> None:
        """Have those pages change whose time has come, and those streams end that nobody heeds."""
        now = self._now()
        for subject in self._subjects.values():
            often = subject.instance is None or subject.running
            since = now - subject.changed_at
            if since >= (TIMED if often else LONGEST_REST) and subject.rests_until <= now:
                subject.change(now)
        for stream in self._streams.values():
            if stream.heeded < stream.told and now - stream.told_at > UNHEEDED:
                stream.end()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
