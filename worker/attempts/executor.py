"""Runs handlers: async ones on one event loop, sync and transactional ones in threads."""

import inspect
import logging
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial

from ...engine.calls import Grant
from ...engine.settings import Settings
from ..handlers.conversion import encode_output
from ..handlers.faults import UNDESCRIBED, Fault, fault
from ..handlers.later import Later
from ..handlers.registry import Handler, Registry
from ..registration.deadlines import Deadlines
from ..registration.leases import Registration
from .attempt import Attempt, Outcome, Running
from .handler_loop import HandlerLoop
from .handler_threads import HandlerThreads
from .handling import begin, fault_of, tell_masked
from .slots import Slots, Work
from .spans import AttemptSpan
from .transactional import Transactional
from .transactions import LIMIT

log = logging.getLogger("onceflow.worker")


class Executor:
    """Starts attempts and hands in what they answer.

    ``take_turn`` does the work of a turn that a handler's thread was lent, and gives it back; in
    the context in which this was made: what handlers leave in theirs is nobody else's.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        slots: Slots,
        running: Running,
        deadlines: Deadlines,
        take_turn: Callable[[Work], None],
    ) -> None:
        self._take_turn = take_turn
        self._context = copy_context()
        self._secrets = settings.secrets
        self._registry = registry
        self._slots = slots
        self._running = running
        self._deadlines = deadlines
        self._threads = HandlerThreads()
        self._loop = HandlerLoop()
        self.transactional = Transactional(
            settings, slots, running, deadlines, self._threads, self._loop, self._arm
        )

    def start(self, grants: Sequence[Grant], registration: Registration) -> None:
        """Begin to run what was granted under ``registration``; each takes a slot until it ends."""
        spawned: list[tuple[Attempt, Handler]] = []
        transactional: list[Attempt] = []
        self._slots.occupy(len(grants))
        for grant in grants:
            handler = self._registry.find(grant.handler)
            attempt = Attempt(grant, handler, registration)
            if handler is None:
                self._slots.leave(Outcome(attempt, self._no_handler(grant)))
                continue
            self._running.add(attempt)
            limit = grant.timeout or (LIMIT if handler.transactional else None)
            if limit is not None:
                self._arm(attempt, time.monotonic() + limit)
            if handler.transactional:
                transactional.append(attempt)
            elif handler.is_async:
                spawned.append((attempt, handler))
            else:
                try:
                    self._threads.submit(partial(self._run_sync, attempt, handler))
                except RuntimeError as error:  # the machine has no thread left for it
                    self._leave(attempt, fault("worker.no_thread", str(error), retryable=True))
        self.transactional.start(transactional)
        if spawned:  # all at once: each call wakes the loop by a byte through a socket
            self._loop.call(self._spawn, spawned)
        if registration.lost.is_set():  # it was lost while these were on their way
            self.drop(registration, "the lease is lost")

    def drop(self, registration: Registration, reason: str) -> int:
        """Stop all that runs under a registration that is lost; return how many these were."""
        lost = [a for a in self._running.all() if a.registration is registration and a.settle()]
        for attempt in lost:
            attempt.stop(reason)
            self._running.remove(attempt)
        return len(lost)

    def time_out(self, attempt: Attempt, limit: float) -> None:
        """End an attempt whose time is up: its answer is sent now, whenever its handler returns."""
        if not attempt.settle():
            return
        attempt.stop(f"its {limit:g} s are over")  # first, so that a retry does not meet it
        message = f"the attempt did not end within its {limit:g} s"
        answer = fault("timeout", message, retryable=True, unknown=True)
        self._slots.hand_in(Outcome(attempt, answer))
        self._running.remove(attempt)

    def close(self) -> None:
        """Cancel async handlers, let them unwind for a moment, and end the threads."""
        self._threads.close()
        self._loop.close()
        self.transactional.close()

    def _arm(self, attempt: Attempt, at: float) -> None:
        """Let the time of an attempt be up at the moment ``at`` of the monotonic clock."""
        limit = attempt.grant.timeout or LIMIT
        attempt.deadline = self._deadlines.add_at(at, _Timeout(self, attempt, limit))

    # Async and sync handlers. Whatever they do, the attempt is answered and its slot freed.

    def _spawn(self, attempts: Sequence[tuple[Attempt, Handler]]) -> None:
        for attempt, handler in attempts:
            attempt.on_stop(self._loop.start(self._run_async(attempt, handler)))

    async def _run_async(self, attempt: Attempt, handler: Handler) -> None:
        answer: bytes | Fault | Later = UNDESCRIBED
        try:
            with AttemptSpan(attempt) as span:
                try:
                    result = await begin(attempt, handler, self._secrets)
                    answer = encode_output(result, unknown=True, mask=attempt.mask)
                except BaseException as error:
                    answer = fault_of(attempt, error)
                finally:
                    span.answer(answer)
        finally:  # a task that a handler has left on the loop waits for no call of ours
            work = self._leave(attempt, answer, lend=self._loop.has_one)
            if work is not None:
                self._context.copy().run(self._loop.call_soon, self._take_turn, work)

    def _run_sync(self, attempt: Attempt, handler: Handler) -> Callable[[], None] | None:
        answer: bytes | Fault | Later = UNDESCRIBED
        try:
            with AttemptSpan(attempt) as span:
                try:
                    result = begin(attempt, handler, self._secrets)
                    if inspect.iscoroutine(result):  # it is async under a wrapper that is not
                        result = self._loop.wait_for(result, attempt.on_stop)
                    answer = encode_output(result, unknown=True, mask=attempt.mask)
                except BaseException as error:
                    answer = fault_of(attempt, error)
                finally:
                    span.answer(answer)
        finally:
            work = self._leave(attempt, answer, lend=True)
        if work is None:
            return None
        context = self._context.copy()
        return lambda: context.run(self._take_turn, work)

    # Answers.

    def _leave(
        self, attempt: Attempt, answer: bytes | Fault | Later, *, lend: bool = False
    ) -> Work | None:
        """Free its slot, and lay its answer down; return the turn's work where that was lent."""
        first = attempt.finish()
        tell_masked(attempt)
        work = self._slots.leave(Outcome(attempt, answer) if first else None, lend=lend)
        self._running.remove(attempt)
        return work

    def _no_handler(self, grant: Grant) -> Fault:
        """Return the fault of a task that this worker does not know; a newer one may, so retry."""
        known = ", ".join(self._registry.names()) or "none"
        message = f"this worker has no handler for {grant.handler!r}; it has: {known}"
        return fault("task.unknown", message, retryable=True)


class _Timeout:
    """The callback of an attempt's deadline."""

    def __init__(self, executor: Executor, attempt: Attempt, limit: float) -> None:
        self._executor, self._attempt, self._limit = executor, attempt, limit

    def __call__(self) -> None:
        self._executor.time_out(self._attempt, self._limit)
