"""How often a password may be tried: by account and by address, in this process alone.

Each has a number of tries, of which one comes back after a while. They are kept in memory, so that
who guesses makes no work for Postgres; of n processes of the api each counts for itself.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MOST: Final = 10_000
"""Names, or addresses, that are kept in mind: those tried last."""


class Attempts:
    """Tries of one kind: ``most`` at once, another each ``seconds``."""

    def __init__(
        self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> int:
        """Take a try. Return 0, or the seconds after which there is one again."""
        left = self._left_of(who)
        if left < 1:
            return math.ceil((1 - left) * self._seconds)
        self._keep(who, left - 1)
        return 0

    def give_back(self, who: str) -> None:
        """Give a try back that was none: it succeeded."""
        self._keep(who, self._left_of(who) + 1)

    def __len__(self) -> int:
        """How many are kept in mind."""
        return len(self._left)

    def _left_of(self, who: str) -> float:
        left, at = self._left.get(who, (float(self._most), self._clock()))
        return min(left + (self._clock() - at) / self._seconds, self._most)

    def _keep(self, who: str, left: float) -> None:
        self._left[who] = (left, self._clock())
        self._left.move_to_end(who)
        while len(self._left) > MOST:
            self._left.popitem(last=False)


def network_of(address: str) -> str:
    """Return what an address is counted as: of version 6 its network, which one customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
