"""What stands around every request: whom it is for, who made it, and headers that bind the browser.

A page of another site reaches this api by two ways. Its own name can be made to lead here (DNS
rebinding): then the request names a host that is none of ours, and is answered with 421. Or it
sends a request to one of our names: then the browser says from where, and 403 is the answer.
"""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import root
from .actor import actor_of
from .elsewhere import WEBHOOKS, marked
from .hosts import Hosts, read_authority
from .problems import Problem
from .telling import tell

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# The scripts of pages are files of ours, nothing stands in the pages themselves. Swagger UI sets
# style attributes besides.
PAGES_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; "
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


class Guards:
    """ASGI middleware that refuses what other sites send, and sets the headers of each answer.

    ``root_path`` is where a proxy shows us; requests may come with it or without.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, root_path: str) -> None:
        self._app = app
        self._hosts = hosts
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = root.below(self._root, scope["path"])
        scope = {**scope, "root_path": self._root, "path": self._root + path}
        root.enter(self._root)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Content-Security-Policy"] = (
                    SWAGGER_POLICY if path == "/api" else PAGES_POLICY
                )
                if actor_of(scope) and "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"  # nothing is left after the logout
                location = headers.get("location")
                if location is not None:
                    headers["location"] = root.link(location)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refuse(scope, headers)
        if refusal is None and self._comes_from_elsewhere(scope, headers):
            if path.startswith(WEBHOOKS):  # a signature says more than the site does
                scope = marked(scope)
            else:
                refusal = Problem(403, "This request was made by a page of another site.")
        answer = self._app if refusal is None else tell(Request(scope), refusal)
        await answer(scope, receive, send_guarded)

    def _refuse(self, scope: Scope, headers: Headers) -> Problem | None:
        """Return why a request is not let in, or None."""
        asked = self._hosts.asked(scope, headers)
        if asked.authority is None or not self._hosts.knows(asked.authority, scope):
            named = "no host" if asked.named is None else f"the host {asked.named!r}"
            return Problem(
                421,
                f"This request names {named}, which is none of the names of this server: "
                "use one of those, or add it to ONCEFLOW_HOSTS where the api is started.",
            )
        return None

    def _comes_from_elsewhere(self, scope: Scope, headers: Headers) -> bool:
        """Whether a browser says that another site made it send this request, to change something.

        A client that is no browser sends neither header, and no page can make a browser leave both
        out of a POST.
        """
        if scope["method"] in SAFE_METHODS:
            return False
        site = headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            return True
        for origin in headers.getlist("origin"):
            scheme, _, rest = origin.partition("://")
            authority = read_authority(rest, scheme.lower())
            if authority is None:
                return True
            asked = self._hosts.asked(scope, headers)
            # A browser that vouches for the same origin saw another name of ours than we do, where
            # a proxy changes the header Host.
            vouched = site == "same-origin" and self._hosts.lists(authority)
            if authority != asked.authority and not vouched:
                return True
        return False
