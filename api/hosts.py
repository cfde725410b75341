"""Whom a request is for: the names of this api, and what a trusted proxy says of them."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from ..engine.settings import Settings

AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
PORTS: Final = {"http": "80", "https": "443"}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and its port, as a URL or the header Host names them."""

    host: str
    port: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


def read_authority(text: str, scheme: str) -> Authority | None:
    """Return what ``host:port`` names; a port that goes without saying is none. None: nothing."""
    found = AUTHORITY.fullmatch(text)
    if found is None:
        return None
    port = found[2] or ""
    return Authority(found[1].lower().rstrip("."), "" if port == PORTS.get(scheme) else port)


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom a request is: ``named`` as the client wrote it, None where it names nobody."""

    scheme: str
    named: str | None
    authority: Authority | None


class Hosts:
    """The names under which this api may be called."""

    def __init__(self, settings: Settings) -> None:
        listening = settings.host.lower()
        self._listed: Sequence[str] = [*settings.hosts, *_specific(listening)]
        self._trusted: list[Network] = [ipaddress.ip_network(p) for p in settings.trusted_proxies]

    def asked(self, scope: Scope, headers: Headers) -> Asked:
        """Return for whom a request is, by the proxy's word where that is trusted."""
        scheme: str = scope["scheme"]
        named = headers.get("host")
        if self.trusts(scope):
            # Of several the nearest proxy wrote the last; the others may be the client's own.
            said = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
            scheme = said if said in PORTS else scheme
            named = headers.get("x-forwarded-host", "").rpartition(",")[2].strip() or named
        return Asked(scheme, named, read_authority(named, scheme) if named else None)

    def client(self, scope: Scope, headers: Headers) -> str:
        """Return the address from which a request comes, by the word of proxies that are trusted.

        Each proxy writes whom it saw behind what it was told: of these the last that is no proxy
        of ours counts.
        """
        client = scope.get("client")
        nearest: str = client[0] if client else ""
        if not self.trusts(scope):
            return nearest
        told = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for text in reversed(told):
            address = _address(text.strip())
            if address is None:
                break
            nearest = str(address)
            if not self._is_trusted(address):
                break
        return nearest

    def trusts(self, scope: Scope) -> bool:
        """Whether a request comes from a proxy that is believed."""
        client = scope.get("client")
        address = _address(client[0]) if client else None
        return address is not None and self._is_trusted(address)

    def _is_trusted(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self._trusted)

    def knows(self, authority: Authority, scope: Scope) -> bool:
        """Whether a name is one of ours.

        Beside what is listed these are the names of this machine to itself, and the address at
        which the connection came in: a page of another site can have neither for its own.
        """
        return (
            is_loopback(authority.host)
            or any(_matches(listed, authority) for listed in self._listed)
            or _is_own_address(authority.host, scope)
        )

    def lists(self, authority: Authority) -> bool:
        """Whether a name is one that the settings list."""
        return any(_matches(listed, authority) for listed in self._listed if listed != "*")


def is_loopback(host: str) -> bool:
    """Whether a host is always this machine."""
    address = _address(host.strip("[]"))
    return (
        host == "localhost" or host.endswith(".localhost") or bool(address and address.is_loopback)
    )


def _matches(listed: str, authority: Authority) -> bool:
    if listed == "*":
        return True
    wanted = read_authority(listed.removeprefix("*."), "")
    if wanted is None or wanted.port not in ("", authority.port):
        return False
    if listed.startswith("*."):
        return authority.host.endswith(f".{wanted.host}")
    return authority.host == wanted.host


def _specific(listening: str) -> list[str]:
    """Return the host that we listen on, unless that means all addresses."""
    address = _address(listening)
    if address is None:
        return [listening] if AUTHORITY.fullmatch(listening) else []
    if address.is_unspecified:
        return []
    return [f"[{listening}]" if address.version == 6 else listening]


def _is_own_address(host: str, scope: Scope) -> bool:
    server = scope.get("server")
    own = server and _address(server[0])
    return bool(own) and own == _address(host.strip("[]"))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
