"""What stands around every request: no posts from other sites, headers that bind the browser."""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import Problem, respond

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Pages have no scripts at all. Swagger UI is one script of ours, which sets style attributes.
PAGES_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
SWAGGER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def comes_from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site made it send this request.

    A client that is no browser sends neither header, and no page can make a browser leave both out
    of a POST.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


class Guards:
    """ASGI middleware that refuses unsafe requests of other sites and sets security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                swagger = scope["path"] == "/api"
                headers["Content-Security-Policy"] = SWAGGER_POLICY if swagger else PAGES_POLICY
            await send(message)

        if scope["method"] not in SAFE_METHODS and comes_from_elsewhere(Headers(scope=scope)):
            refusal = respond(Problem(403, "This request was made by a page of another site."))
            await refusal(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)
