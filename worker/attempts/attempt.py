"""One attempt at a task that this worker holds, and the set of all of them."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ...engine.calls import Fenced, Grant, Key
from ...engine.redact import SecretMask
from ..handlers.context import Context
from ..handlers.faults import Fault
from ..handlers.later import Later
from ..handlers.registry import Handler
from ..registration.deadlines import Deadline
from ..registration.leases import Registration
from .traced import of_grant

log = logging.getLogger("onceflow.worker")


class Attempt:
    """A granted task on its way through this process.

    It is *settled* once, by whoever comes first: its handler's answer, its timeout, a give-back,
    the loss of the lease. What comes later is dropped. Its slot is free only when its handler has
    really ended, which for a sync one that is past its timeout may be much later.
    """

    def __init__(self, grant: Grant, handler: Handler | None, registration: Registration) -> None:
        self.grant = grant
        self.handler = handler
        self.registration = registration
        self.context: Context[Any] = Context(grant)
        self.started = False
        self.mask: SecretMask | None = None
        """What masks the secrets that its handler was given, if it was given any."""
        self.deadline: Deadline | None = None
        self._lock = threading.Lock()
        self._settled = False
        self._ended = False
        self._interrupt: Callable[[], None] | None = None
        self._abort: Callable[[], None] | None = None

    @property
    def fenced(self) -> Fenced:
        """What names the attempt to the engine."""
        return Fenced(self.grant.instance_id, self.grant.task, self.grant.fence)

    def settle(self, *, ended: bool = False) -> bool:
        """Decide the attempt. True for the first caller alone: only its answer is sent.

        Once its handler has ``ended`` nothing interrupts what follows any more.
        """
        with self._lock:
            first = not self._settled
            self._settled = True
            if ended:
                self._ended = True
                self._interrupt = self._abort = None
        if first and self.deadline is not None:
            self.deadline.cancel()
        return first

    @property
    def settled(self) -> bool:
        """Whether its answer is decided."""
        return self._settled

    @property
    def ended(self) -> bool:
        """Whether its handler has ended."""
        return self._ended

    def again(self) -> "Attempt":
        """Return it as it is run once more, after all that it did was rolled back.

        Whoever kept the first one's context, or comes late to stop it, has nothing of this one.
        """
        fresh = Attempt(self.grant, self.handler, self.registration)
        fresh.started = self.started
        if self.context.cancelled:
            fresh.context.tell_to_stop(self.context.stop_reason)
        return fresh

    def finish(self) -> bool:
        """Settle it as its handler has ended."""
        return self.settle(ended=True)

    def stop(self, reason: str) -> None:
        """Tell the handler to stop, and interrupt it where that can be done.

        Where the attempt is settled already its transaction is aborted too: it is for nothing.
        """
        self.context.tell_to_stop(reason)
        with self._lock:
            calls = [self._interrupt, self._abort if self._settled else None]
        for call in calls:
            try:
                if call is not None:
                    call()
            except Exception:  # it may be of no use any more; whoever stops others must go on
                log.exception(
                    "%s could not be interrupted", self.grant.key, extra=of_grant(self.grant)
                )

    def on_stop(
        self, interrupt: Callable[[], None] | None = None, abort: Callable[[], None] | None = None
    ) -> None:
        """Set how the running handler is interrupted, and how its transaction is aborted."""
        with self._lock:
            self._interrupt = interrupt or self._interrupt
            self._abort = abort or self._abort
        if self.context.cancelled:  # it was told to stop before there was anything to interrupt
            self.stop("")


class Recorded(msgspec.Struct, frozen=True):
    """What the engine answered to a completion in its handler's transaction, and what it gave."""

    answer: str
    grants: list[Grant] = []


class Outcome(msgspec.Struct, frozen=True):
    """A settled attempt's answer: its output as JSON text, the fault that it failed with, or that
    somebody else is to answer.

    What a transactional handler has completed is recorded already, by itself.
    """

    attempt: Attempt
    answer: bytes | Fault | Later | Recorded


class Running:
    """The attempts that are not settled, by task. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: dict[str, Attempt] = {}  # by idempotency key, which names the task

    def add(self, attempt: Attempt) -> None:
        """Begin to account for ``attempt``."""
        with self._lock:
            self._attempts[attempt.grant.key] = attempt

    def remove(self, attempt: Attempt) -> None:
        """Account for ``attempt`` no longer; it has been settled."""
        key = attempt.grant.key
        with self._lock:
            if self._attempts.get(key) is attempt:
                del self._attempts[key]

    def renew(self, attempt: Attempt, *, settled: bool) -> Attempt | None:
        """Put the attempt in its own place once more, to be run again; None where it is answered.

        In one moment: whoever drops all that runs meets the one or the other. ``settled``: it was
        the caller who settled it.
        """
        with self._lock:
            if not settled and not attempt.settle():
                return None
            fresh = self._attempts[attempt.grant.key] = attempt.again()
        return fresh

    def all(self) -> list[Attempt]:
        """Return the attempts that are not settled."""
        with self._lock:
            return list(self._attempts.values())

    def find(self, keys: Iterable[Key]) -> list[Attempt]:
        """Return those that belong to ``keys``."""
        with self._lock:
            found = (self._attempts.get(f"{key.instance_id}/{key.task}") for key in keys)
            return [attempt for attempt in found if attempt is not None]

    def progress(self) -> dict[str, msgspec.Raw]:
        """Return the progress of each attempt that has ever reported some, by its key."""
        with self._lock:
            attempts = list(self._attempts.values())
        values = {attempt.grant.key: attempt.context.last_progress for attempt in attempts}
        return {key: value for key, value in values.items() if value is not None}
