"""The worker's account of its claiming calls, by which grants that it never heard of are found.

Each call that may grant tasks takes a token and a number here before it is sent. A renewal tells
the engine all tokens in flight or held and the number of the next call, as they stood at one
moment: what else runs in this worker's name, from an earlier call, was granted by a reply that
never arrived.
"""

import threading
import uuid
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Call:
    """A claiming call: its fresh random token (the fence of what it grants) and its number."""

    token: UUID
    number: int


class Grants:
    """The tokens of one registration. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 1
        self._in_flight: set[UUID] = set()
        self._held: dict[UUID, int] = {}

    def open(self) -> Call:
        """Begin a claiming call; its token is in flight until ``close``."""
        token = uuid.uuid4()
        with self._lock:
            call = Call(token, self._next)
            self._next += 1
            self._in_flight.add(token)
        return call

    def close(self, token: UUID, granted: int) -> None:
        """End a claiming call that granted so many tasks: they are held until each is released."""
        with self._lock:
            self._in_flight.discard(token)
            if granted:
                self._held[token] = self._held.get(token, 0) + granted

    def release(self, token: UUID) -> None:
        """One task under ``token`` has been answered."""
        with self._lock:
            left = self._held.get(token, 0) - 1
            if left > 0:
                self._held[token] = left
            else:
                self._held.pop(token, None)

    def snapshot(self) -> tuple[list[UUID], int]:
        """Return the tokens in flight or held, and the number of the next call."""
        with self._lock:
            return [*self._in_flight, *self._held], self._next
