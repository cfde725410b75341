"""What browsers look at, each thing once however many of them do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Final
from urllib.parse import unquote
from uuid import UUID

from starlette.responses import Response

from .. import root
from ..problems import Fault, invalid

INSTANCE_PAGES: Final = "/ui/instances/"
LONGEST: Final = 2000
"""Letters of the path and query of a page that is looked at."""

Make = Callable[[], Awaitable[Response]]


@dataclass(slots=True, eq=False)
class Stream:
    """One browser that looks at a page.

    ``told`` is the change of which it was told last, ``heeded`` the one after which it asked for
    the page; where they differ, it has been told since ``told_at`` on the loop's clock. ``wake`` is
    set where there is something to tell.
    """

    subject: "Subject"
    id: str = field(default_factory=lambda: token_urlsafe(12))
    told: int = 0
    told_at: float = 0.0
    heeded: int = 0
    over: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Have the stream close."""
        self.over = True
        self.wake.set()


@dataclass(slots=True, eq=False)
class Subject:
    """A page that someone looks at, by its path and query.

    ``changes`` counts how often it may have changed; the last time at ``changed_at``, and not again
    before ``rests_until``. ``token`` is what was last seen of its instance.
    """

    url: str
    instance: UUID | None
    changes: int = 0
    changed_at: float = 0.0
    rests_until: float = 0.0
    token: str | None = None
    running: bool = False
    streams: set[Stream] = field(default_factory=set[Stream])
    answers: dict[str, tuple[int, asyncio.Task[Response]]] = field(
        default_factory=dict[str, tuple[int, asyncio.Task[Response]]]
    )
    """By who may see what: the change after which it was made, and the page."""

    def change(self, now: float) -> None:
        """Tell all who look at it that it may have changed."""
        self.changes += 1
        self.changed_at = now
        for stream in self.streams:
            stream.wake.set()

    async def answer(self, viewer: str, least: int, make: Make) -> Response:
        """Return the page as ``viewer`` sees it after the change ``least``; made once for all."""
        made_after, making = self.answers.get(viewer, (-1, None))
        if making is None or made_after < least:
            making = asyncio.create_task(self._make(make))
            self.answers[viewer] = (self.changes, making)
        # Who asked first may go away: the page is still made, for the others.
        return await asyncio.shield(making)

    async def _make(self, make: Make) -> Response:
        loop = asyncio.get_running_loop()
        began = loop.time()
        made = await make()
        # A page that takes long to make is made less often.
        ended = loop.time()
        self.rests_until = max(self.rests_until, ended + 4 * (ended - began))
        return made


def read_subject(text: str) -> Subject:
    """Return what a browser says that it looks at. Raises Problem 422."""
    path, _, query = text.partition("?")
    path = root.below(root.current(), unquote(path))
    if len(text) > LONGEST or not (path == "/" or path.startswith("/ui/")):
        raise invalid([Fault("query.of", "is not the path of a page, such as /ui/instances")])
    return Subject(url_of(path, query), _instance_of(path))


def url_of(path: str, query: str) -> str:
    """Return how a page is called here: its path below the root, and its query as it came."""
    return f"{path}?{query}"


def _instance_of(path: str) -> UUID | None:
    if not path.startswith(INSTANCE_PAGES):
        return None
    try:
        return UUID(path.removeprefix(INSTANCE_PAGES))
    except ValueError:
        return None
