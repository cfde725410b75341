"""Runs handlers: async ones on one event loop, sync and transactional ones in threads."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from ...engine import failpoints
from ...engine.calls import Grant
from ...engine.errors import WorkerNotLive
from ...engine.settings import Settings
from ..handlers.conversion import InputInvalid, encode_output
from ..handlers.errors import Fault, TaskError, describe, fault
from ..handlers.registry import Handler, Registry
from ..registration.deadlines import Deadlines
from ..registration.leases import Registration
from ..registration.retrying_connection import Abandoned, Trouble, judge
from .attempt import Attempt, Outcome, Recorded, Running
from .handler_threads import HandlerThreads
from .slots import Slots
from .transactions import LIMIT, NotAccepted, Sessions, Transaction

log = logging.getLogger("onceflow.worker")

UNWIND = 1.0
"""Seconds that cancelled async handlers get to clean up when the process stops."""


class Executor:
    """Starts attempts and hands in what they answer."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        slots: Slots,
        running: Running,
        deadlines: Deadlines,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._slots = slots
        self._running = running
        self._deadlines = deadlines
        self._sessions = Sessions(settings)
        self._threads = HandlerThreads()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop", daemon=True)
        self._thread.start()

    def start(self, grants: Sequence[Grant], registration: Registration) -> None:
        """Begin to run what was granted under ``registration``; each takes a slot until it ends."""
        spawned: list[tuple[Attempt, Handler]] = []
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
                attempt.deadline = self._deadlines.add(limit, _Timeout(self, attempt, limit))
            if handler.transactional:
                self._threads.submit(lambda a=attempt, h=handler: self._run_in_transaction(a, h))
            elif handler.is_async:
                spawned.append((attempt, handler))
            else:
                self._threads.submit(lambda a=attempt, h=handler: self._run_sync(a, h))
        if spawned:  # all at once: each call wakes the loop by a byte through a socket
            self._call_soon(self._spawn, spawned)
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
        """Cancel async handlers, let them unwind for a moment, and end the threads; once."""
        if self._loop.is_closed():
            return
        self._threads.close()
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._unwind(), self._loop).result(UNWIND)
        self._call_soon(self._loop.stop)
        self._thread.join(UNWIND)
        if not self._thread.is_alive():
            self._loop.close()
        self._sessions.close()

    async def _unwind(self) -> None:
        """Cancel all that is left on the loop, that handlers themselves began among it."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process is about to end
            self._loop.call_soon_threadsafe(callback, *args)

    # Async handlers.

    def _spawn(self, attempts: Sequence[tuple[Attempt, Handler]]) -> None:
        for attempt, handler in attempts:
            task = self._loop.create_task(self._run_async(attempt, handler))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            attempt.on_stop(partial(self._call_soon, task.cancel))

    async def _run_async(self, attempt: Attempt, handler: Handler) -> None:
        try:
            begin(attempt)
            answer = encode_output(
                await handler.call(attempt.grant.input_json, attempt.context), unknown=True
            )
        except BaseException as error:
            answer = self._fault_of(attempt, error)
        self._leave(attempt, answer)

    # Sync handlers.

    def _run_sync(self, attempt: Attempt, handler: Handler) -> None:
        try:
            begin(attempt)
            answer = encode_output(
                handler.call(attempt.grant.input_json, attempt.context), unknown=True
            )
        except BaseException as error:
            answer = self._fault_of(attempt, error)
        self._leave(attempt, answer)

    # Transactional handlers, sync and async: the thread is theirs for the whole transaction.

    def _run_in_transaction(self, attempt: Attempt, handler: Handler) -> None:
        answer: Fault | Recorded | None = None
        try:
            transaction = Transaction(self._sessions, self._settings, attempt)
        except Exception as error:
            self._leave(attempt, self._fault_of(attempt, error))
            return
        try:
            try:
                output = self._work(transaction, attempt, handler)
            except BaseException as error:
                output = self._fault_of(attempt, error)
            if attempt.finish():  # else its time is over, and somebody else has answered
                answer = self._complete(transaction, attempt, output)
        finally:
            transaction.end()
            outcome = Outcome(attempt, answer) if answer is not None else None
            self._slots.leave(outcome)
            self._running.remove(attempt)

    def _work(self, transaction: Transaction, attempt: Attempt, handler: Handler) -> bytes | Fault:
        transaction.begin()
        attempt.on_stop(abort=transaction.session.abort)
        begin(attempt)
        result = handler.call(attempt.grant.input_json, attempt.context)
        if handler.is_async:
            result = self._await_on_loop(attempt, result)
        return encode_output(result, unknown=False)

    def _await_on_loop(self, attempt: Attempt, coroutine: Any) -> Any:
        """Return what ``coroutine`` gives once it has really ended, cancelled or not."""
        ended: Future[Any] = Future()

        def spawn() -> None:
            task = self._loop.create_task(_guarded(coroutine))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda done: _pass_on(done, ended))
            attempt.on_stop(lambda: self._call_soon(task.cancel))

        self._call_soon(spawn)
        return ended.result()

    def _complete(
        self, transaction: Transaction, attempt: Attempt, output: bytes | Fault
    ) -> Fault | Recorded | None:
        """Complete the attempt in its transaction; a fault is to be recorded outside of it.

        None where the engine will find the end of this attempt by itself.
        """
        if isinstance(output, Fault):
            return output
        try:
            grants = transaction.complete(output, self._slots.room_to_go_on())
        except (NotAccepted, WorkerNotLive, Abandoned) as error:
            log.warning("%s: rolled back, its completion being %s", attempt.grant.key, error)
            return Recorded("stale") if isinstance(error, NotAccepted) else None
        except Exception as error:
            if judge(error) is not Trouble.DATA or isinstance(error, TaskError):
                return self._fault_of(attempt, error)
            message = f"Postgres refuses the output, so all was rolled back: {error}"
            return fault("output.refused", message)
        return Recorded("accepted", grants)

    # Answers.

    def _leave(self, attempt: Attempt, answer: bytes | Fault | None) -> None:
        first = attempt.finish()
        outcome = Outcome(attempt, answer) if first and answer is not None else None
        self._slots.leave(outcome)
        self._running.remove(attempt)

    def _fault_of(self, attempt: Attempt, error: BaseException) -> Fault:
        handler = attempt.handler
        if isinstance(error, InputInvalid):
            return fault("input.invalid", str(error))
        if isinstance(error, asyncio.CancelledError) and attempt.context.cancelled:
            unknown = handler is None or not handler.transactional
            message = "the handler was cancelled, as its task was told to stop"
            return fault("task.cancelled", message, retryable=True, unknown=unknown)
        found = describe(error)
        attempt.context.logger.info(
            "attempt %d failed: %s: %s",
            attempt.grant.attempt,
            found.error["code"],
            found.error["message"],
        )
        attempt.context.logger.debug("", exc_info=error)
        return found

    def _no_handler(self, grant: Grant) -> Fault:
        """Return the fault of a task that this worker does not know; a newer one may, so retry."""
        known = ", ".join(self._registry.names()) or "none"
        message = f"this worker has no handler for {grant.handler!r}; it has: {known}"
        return fault("task.unknown", message, retryable=True)


def begin(attempt: Attempt) -> None:
    """Note that the handler is about to run."""
    attempt.started = True
    failpoints.hit("worker.in_handler")


class _Timeout:
    """The callback of an attempt's deadline."""

    def __init__(self, executor: Executor, attempt: Attempt, limit: float) -> None:
        self._executor, self._attempt, self._limit = executor, attempt, limit

    def __call__(self) -> None:
        self._executor.time_out(self._attempt, self._limit)


async def _guarded(coroutine: Awaitable[Any]) -> Any:
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as error:  # these would end the event loop
        raise RuntimeError(f"the handler raised {error!r}") from error


def _pass_on(task: asyncio.Task[Any], ended: Future[Any]) -> None:
    if task.cancelled():
        ended.set_exception(asyncio.CancelledError())
    elif (error := task.exception()) is not None:
        ended.set_exception(error)
    else:
        ended.set_result(task.result())
