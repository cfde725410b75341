"""/ui/live: tells a browser, by server-sent events, that the page it looks at may have changed."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ...engine.accounts.roles import Role
from ..context import Context
from ..live.live import Live
from ..live.subjects import Stream
from ..problems import problem_of, respond
from .page import PageRoute

HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Nobody on the way keeps it, or keeps it back."""


class Telling(StreamingResponse):
    """The answer that goes on for as long as the browser looks at its page."""

    def __init__(self, live: Live, stream: Stream) -> None:
        super().__init__(live.tell(stream), media_type="text/event-stream", headers=HEADERS)
        self._live = live
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is to tell."""
        with self._live.watching(self._stream):
            await super().__call__(scope, receive, send)


async def tell_changes(request: Request) -> Response:
    """Answer with a stream of events for the page that ``of`` names."""
    context: Context = request.app.state.context
    try:
        await context.admission.admit(request, Role.VIEWER, page=True)
        return Telling(context.live, context.live.open(request.query_params.get("of", "")))
    except Exception as error:
        return respond(problem_of(error))


LIVE: Final = PageRoute("/ui/live", tell_changes, "GET", Role.VIEWER)
