"""What ``http.request`` sends: a checked request, and the one that a redirect asks for.

All that can be wrong with a request is found here, before anything is sent. Nothing given for one
server follows a redirect to another: of the headers only those that say nothing of the sender.
"""

import base64
import re
import socket
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_address
from typing import Any

import httpcore2
import httpx2
import msgspec

from ...engine import json_text
from ...engine.redact import masked_url
from ...engine.tracing import current_trace
from .. import PermanentError

Headers = dict[str, str]
Query = dict[str, str | int | bool | list[str | int]]

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods without an effect: however they fail, nothing has happened."""
OURS = frozenset(
    [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "upgrade",
        "te",
        "trailer",
        "expect",
    ]
)
"""Headers that the request itself decides."""
FOLLOWING = frozenset(
    ["accept", "accept-language", "content-type", "idempotency-key", "user-agent"]
)
"""Headers that follow a redirect to another server."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
DEFAULT_PORTS = {"http": 80, "https": 443}
BROADCAST = IPv4Address("255.255.255.255")

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of the one or several that redirects make of it; as text it has no secret."""

    method: str
    url: httpx2.URL
    headers: Headers
    content: bytes | None

    def __str__(self) -> str:
        url = self.url  # from it user and password were taken; a query may have others
        path = url.raw_path.decode("ascii", "replace").partition("?")[0]
        query = "?…" * bool(url.query)
        return f"{self.method} {url.scheme}://{url.netloc.decode()}{path[:300]}{query}"

    @property
    def effect(self) -> bool:
        """Whether the method may have an effect."""
        return self.method not in SAFE

    @property
    def origin(self) -> tuple[str, str, int]:
        """The server: scheme, host and port."""
        port = self.url.port or DEFAULT_PORTS[self.url.scheme]
        return self.url.scheme, self.url.raw_host.decode(), port

    @property
    def target(self) -> httpcore2.URL:
        """The URL as the connection takes it."""
        url = self.url
        return httpcore2.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )

    def wire_headers(self) -> list[tuple[bytes, bytes]]:
        """Return all headers in the order in which they are sent."""
        names = {name.lower() for name in self.headers}
        ours = {
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "onceflow",
        }
        lines = {"Host": self.url.netloc.decode()}
        lines |= {name: value for name, value in ours.items() if name.lower() not in names}
        if self.content is not None or self.method in ("POST", "PUT", "PATCH"):
            lines["Content-Length"] = str(len(self.content or b""))
        return [(n.encode(), v.encode()) for n, v in (lines | self.headers).items()]


def first_hop(
    method: str,
    url: str,
    headers: Headers,
    query: Query,
    json: Any,
    body: str | None,
    key: str,
) -> Hop:
    """Return the request that an input describes. Raises PermanentError (``http.invalid``)."""
    method = method.upper()
    if not _TOKEN.fullmatch(method) or method == "CONNECT":
        raise _invalid(f"{method[:50]!r} is no method of a request")
    parsed = _checked(url)
    sent = {name: _checked_header(name, value) for name, value in headers.items()}
    content, kind = _content(json, body)
    ours = {"Idempotency-Key": key, **kind, **(current_trace() or {})}
    if parsed.userinfo:
        login = f"{parsed.username}:{parsed.password}".encode()
        ours["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        parsed = parsed.copy_with(userinfo=b"")
    if query:
        parsed = parsed.copy_merge_params(query)
    names = {name.lower() for name in sent}
    if len(names) < len(sent):
        raise _invalid("a header is given twice, in letters of different case")
    sent |= {name: value for name, value in ours.items() if name.lower() not in names}
    return Hop(method, parsed, sent, content)


def next_hop(hop: Hop, status: int, headers: Headers) -> Hop | None:
    """Return the request that an answer redirects to; None where it does not, or to no server."""
    location = headers.get("location", "")
    if status not in REDIRECTS or not location:
        return None
    try:
        url = _checked(str(hop.url.join(location))).copy_with(userinfo=b"")
    except (PermanentError, httpx2.InvalidURL, ValueError):
        return None
    following = replace(hop, url=url)
    if (status == 303 and hop.method not in ("GET", "HEAD")) or (
        status in (301, 302) and hop.method == "POST"
    ):
        kept = {n: v for n, v in hop.headers.items() if n.lower() != "content-type"}
        following = replace(following, method="GET", content=None, headers=kept)
    if following.origin != hop.origin:
        kept = {n: v for n, v in following.headers.items() if n.lower() in FOLLOWING}
        following = replace(following, headers=kept)
    return following


def shown(url: str) -> str:
    """Return a text that is perhaps no URL as errors may tell it."""
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in masked_url(url))
    return repr(text if len(text) <= 300 else f"{text[:300]}…")


def _checked(url: str) -> httpx2.URL:
    """Parse a URL. Raises PermanentError where no request can be sent to it."""
    try:
        parsed = httpx2.URL(url)
        port = parsed.port
    except (httpx2.InvalidURL, ValueError) as error:
        # Its words repeat a part of the URL, which may be one of the password.
        reason = "" if "@" in url else f": {error}"
        raise _invalid(f"{shown(url)} cannot be read as a URL{reason}") from None
    host = parsed.raw_host.decode()
    fault = ""
    if not parsed.scheme:
        fault = "has no scheme: begin it with https:// or http://"
    elif parsed.scheme not in DEFAULT_PORTS:
        fault = "is neither an http:// nor an https:// URL"
    elif not host:
        fault = "names no host"
    elif re.match(r"[^/?#]*//[^/?#]*\\", url):
        fault = "has a backslash where its host stands"
    elif len(host) > 253 or not _HOST.fullmatch(host) or _no_server(host):
        fault = "has a host that can be none"
    elif port is not None and not 0 < port < 65_536:
        fault = "has a port that is not from 1 to 65535"
    if fault:
        raise _invalid(f"the URL {shown(url)} {fault}")
    return parsed


def _no_server(host: str) -> bool:
    """Return whether the host ends in a number and is no address, or is that of many hosts."""
    try:
        if ":" not in host and re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", host.split(".")[-1]):
            address = ip_address(socket.inet_aton(host))
        else:
            address = ip_address(host)
    except OSError:
        return True
    except ValueError:  # a name
        return False
    return address.is_multicast or address == BROADCAST


def _checked_header(name: str, value: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise _invalid(f"{name[:50]!r} is no name of a header")
    if name.lower() in OURS:
        raise _invalid(f"the header {name} is made by the request itself: leave it out")
    if any((ord(c) < 32 and c != "\t") or ord(c) == 127 for c in value):
        raise _invalid(f"the header {name} has a control character or an end of line")
    return value.strip(" \t")


def _content(json: Any, body: str | None) -> tuple[bytes | None, Headers]:
    if json is not msgspec.UNSET:
        if body is not None:
            raise _invalid("give json or body, not both")
        return json_text.encode(json).encode(), {"Content-Type": "application/json"}
    return (None if body is None else body.encode()), {}


def _invalid(message: str) -> PermanentError:
    return PermanentError(message, code="http.invalid")
