"""Which servers tasks may reach: a list of hosts, ports and networks, asked of resolved addresses.

An entry is ``*``, a host (``shop.example.com``, ``*.example.com``) or a network (``10.0.0.0/8``,
``fd00::/8``, one address), each with an optional port (``*:443``, ``[fd00::/8]:443``). Link-local
addresses, at which clouds keep the credentials of their machines, are reached only where an entry
names a network that holds them: no name and no ``*`` stands for them.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from .errors import SettingsError

ALLOW = "ONCEFLOW_HTTP_ALLOW"
EVERYTHING = "*"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOCAL = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",
        "fe80::/10",
        "fd00:ec2::/32",  # Amazon's metadata
        "fd20:ce::/32",  # Google's
        "100.100.100.200/32",  # Alibaba's
        "168.63.129.16/32",  # Azure's
        "192.0.0.192/32",  # Oracle's
    )
)
"""Link-local networks, and the addresses of metadata that lie outside of them."""
TRANSLATED = tuple(
    ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")
)
"""Networks of IPv6 whose last 32 bits are an address of IPv4, besides those Python knows."""

_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry: a host name, a network, or neither for every host; ``port`` None for every port.

    A name that begins with a dot stands for all names that end with it.
    """

    name: str | None
    network: Network | None
    port: int | None


@dataclass(frozen=True, slots=True)
class Egress:
    """The servers that may be reached."""

    rules: tuple[Rule, ...]

    def may_resolve(self, host: str, port: int) -> bool:
        """Return whether any address of ``host`` could be allowed: else its name is not asked."""
        return any(
            rule.port in (None, port) and (rule.network is not None or _named(rule, host))
            for rule in self.rules
        )

    def allows(self, host: str, port: int, address: str) -> bool:
        """Return whether ``host`` may be reached at ``address``, to which it was resolved."""
        given = ip_address(address)
        meant = (isinstance(given, IPv6Address) and given.ipv4_mapped) or given
        local = any(face in network for face in _faces(given) for network in LOCAL)
        for rule in self.rules:
            if rule.port not in (None, port):
                continue
            if rule.network is not None:
                if given in rule.network or meant in rule.network:
                    return True
            elif not local and _named(rule, host):
                return True
        return False


@lru_cache(maxsize=8)
def parse_egress(text: str) -> Egress:
    """Read a list with commas or spaces between its entries. Raises SettingsError."""
    entries = text.replace(",", " ").split() or [EVERYTHING]
    return Egress(tuple(_rule(entry) for entry in entries))


def _rule(entry: str) -> Rule:
    host, port = entry, None
    found = re.fullmatch(r"\[([^\]]+)\](?::([0-9]+))?|([^:]*):([0-9]+)", entry)
    if found:
        host = found[1] or found[3] or EVERYTHING
        digits = found[2] or found[4]
        port = int(digits) if digits else None
        if port is not None and not 0 < port < 65_536:
            raise _refused(entry, "its port is not from 1 to 65535")
    if host == EVERYTHING:
        return Rule(None, None, port)
    try:
        return Rule(None, ip_network(host), port)
    except ValueError as error:
        if "/" in host or re.fullmatch(r"[0-9.]+", host) or ":" in host:
            raise _refused(entry, str(error)) from None
    name = host.lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise _refused(entry, "it is neither a host nor a network")
    return Rule(name.removeprefix("*"), None, port)


def _refused(entry: str, why: str) -> SettingsError:
    return SettingsError(
        f"{ALLOW} has the entry {entry!r}: {why}. Give '*', hosts (shop.example.com, "
        "*.example.com) or networks (10.0.0.0/8), each with :port where only that is meant; "
        "networks of IPv6 with a port in brackets ([fd00::/8]:443)"
    )


def _named(rule: Rule, host: str) -> bool:
    if rule.network is not None:
        return False
    if rule.name is None:
        return True
    name = host.lower().removesuffix(".")
    return name.endswith(rule.name) if rule.name.startswith(".") else name == rule.name


def _faces(address: Address) -> list[Address]:
    """Return the address and every address of IPv4 that it stands for."""
    faces = [address]
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if any(address in network for network in TRANSLATED):
            inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
        faces += [face for face in inner if face is not None]
    return faces
