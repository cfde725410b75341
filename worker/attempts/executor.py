"""Runs handlers: async ones on one event loop, sync and transactional ones in threads."""

import asyncio
import inspect
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from ...engine import failpoints
from ...engine.calls import Grant
from ...engine.errors import WorkerNotLive
from ...engine.secrets import Secrets
from ...engine.settings import Settings
from ..handlers.conversion import InputInvalid, encode_output
from ..handlers.errors import TaskError
from ..handlers.faults import UNDESCRIBED, Fault, describe, fault, masked_fault
from ..handlers.later import Later
from ..handlers.registry import Handler, Registry
from ..handlers.secrets import SecretsMissing, fill_secrets
from ..handlers.texts import text_of, type_name
from ..registration.deadlines import Deadlines
from ..registration.leases import Registration
from ..registration.retrying_connection import Abandoned, Trouble, judge
from .attempt import Attempt, Outcome, Recorded, Running
from .handler_loop import HandlerLoop
from .handler_threads import HandlerThreads
from .slots import Slots
from .transactions import LIMIT, NotAccepted, Sessions, Transaction

log = logging.getLogger("onceflow.worker")


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
        self._secrets = settings.secrets
        self._registry = registry
        self._slots = slots
        self._running = running
        self._deadlines = deadlines
        self._sessions = Sessions(settings)
        self._threads = HandlerThreads()
        self._loop = HandlerLoop()

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
            if handler.is_async and not handler.transactional:
                spawned.append((attempt, handler))
                continue
            run = self._run_in_transaction if handler.transactional else self._run_sync
            try:
                self._threads.submit(partial(run, attempt, handler))
            except RuntimeError as error:  # the machine has no thread left for it
                self._leave(attempt, fault("worker.no_thread", str(error), retryable=True))
        if spawned:  # all at once: each call wakes the loop by a byte through a socket
            self._loop.call_soon(self._spawn, spawned)
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
        self._sessions.close()

    # Async and sync handlers. Whatever they do, the attempt is answered and its slot freed.

    def _spawn(self, attempts: Sequence[tuple[Attempt, Handler]]) -> None:
        for attempt, handler in attempts:
            attempt.on_stop(self._loop.start(self._run_async(attempt, handler)))

    async def _run_async(self, attempt: Attempt, handler: Handler) -> None:
        answer: bytes | Fault | Later = UNDESCRIBED
        try:
            result = await begin(attempt, handler, self._secrets)
            answer = encode_output(result, unknown=True, mask=attempt.mask)
        except BaseException as error:
            answer = self._fault_of(attempt, error)
        finally:
            self._leave(attempt, answer)

    def _run_sync(self, attempt: Attempt, handler: Handler) -> None:
        answer: bytes | Fault | Later = UNDESCRIBED
        try:
            result = begin(attempt, handler, self._secrets)
            if inspect.iscoroutine(result):  # it is async under a wrapper that is not
                result = self._loop.wait_for(result, attempt.on_stop)
            answer = encode_output(result, unknown=True, mask=attempt.mask)
        except BaseException as error:
            answer = self._fault_of(attempt, error)
        finally:
            self._leave(attempt, answer)

    # Transactional handlers, sync and async: the thread is theirs for the whole transaction.

    def _run_in_transaction(self, attempt: Attempt, handler: Handler) -> None:
        answer: Fault | Recorded | None = None
        try:
            answer = self._transact(attempt, handler)
        except BaseException as error:  # there is no connection for it
            answer = self._fault_of(attempt, error) if attempt.finish() else None
        finally:
            _tell_masked(attempt)
            self._slots.leave(Outcome(attempt, answer) if answer is not None else None)
            self._running.remove(attempt)

    def _transact(self, attempt: Attempt, handler: Handler) -> Fault | Recorded | None:
        """Run the handler and complete its task; from the transaction's begin on nothing raises."""
        transaction = Transaction(self._sessions, self._settings, attempt)
        try:
            output = self._work(transaction, attempt, handler)
            if not attempt.finish():  # its time is over, and somebody else has answered
                return None
            return self._complete(transaction, attempt, output)
        finally:
            transaction.end()

    def _work(
        self, transaction: Transaction, attempt: Attempt, handler: Handler
    ) -> bytes | Fault | Later:
        try:
            transaction.begin()
            attempt.on_stop(abort=transaction.session.abort)
            result = begin(attempt, handler, self._secrets)
            if handler.is_async:
                result = self._loop.wait_for(result, attempt.on_stop)
            return encode_output(result, unknown=False, mask=attempt.mask)
        except BaseException as error:
            return self._fault_of(attempt, error)

    def _complete(
        self, transaction: Transaction, attempt: Attempt, output: bytes | Fault | Later
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
        except BaseException as error:
            if not isinstance(error, Exception) or isinstance(error, TaskError):
                return self._fault_of(attempt, error)
            if judge(error) is not Trouble.DATA:
                return self._fault_of(attempt, error)
            message = f"Postgres refuses the output, so all was rolled back: {text_of(error)}"
            return masked_fault(fault("output.refused", message), attempt.mask)
        return Recorded("accepted", grants)

    # Answers.

    def _leave(self, attempt: Attempt, answer: bytes | Fault | Later) -> None:
        first = attempt.finish()
        _tell_masked(attempt)
        self._slots.leave(Outcome(attempt, answer) if first else None)
        self._running.remove(attempt)

    def _fault_of(self, attempt: Attempt, error: BaseException) -> Fault:
        """Return what an exception means for its attempt; raises nothing: isinstance() might.

        Before the handler has run, and where its effects are rolled back, the outcome is known.
        """
        transactional = attempt.handler is not None and attempt.handler.transactional
        unknown = attempt.started and not transactional
        if issubclass(type(error), InputInvalid):
            found = fault("input.invalid", text_of(error))
            if getattr(error, "unknown_field", False):  # a worker of another release may know it
                found.error["unknown_field"] = True
        elif issubclass(type(error), SecretsMissing):  # another worker may have them, or this soon
            found = fault("secret.missing", text_of(error), retryable=True)
            found.error["missing_secrets"] = cast("SecretsMissing", error).names
        elif issubclass(type(error), asyncio.CancelledError) and attempt.context.cancelled:
            message = "the handler was cancelled, as its task was told to stop"
            found = fault("task.cancelled", message, retryable=True, unknown=unknown)
        else:
            found = describe(error, unknown=unknown)
            if attempt.handler is not None and attempt.handler.refuses_retry(error):
                found = replace(found, never_again=True)
        found = masked_fault(found, attempt.mask)
        try:
            logger = attempt.context.logger
            logger.debug("attempt %d raised", attempt.grant.attempt, exc_info=error)
        except BaseException as raised:  # of a log handler, or of the error's own text
            log.warning("a failed attempt could not be logged: %s", type_name(raised))
        return found

    def _no_handler(self, grant: Grant) -> Fault:
        """Return the fault of a task that this worker does not know; a newer one may, so retry."""
        known = ", ".join(self._registry.names()) or "none"
        message = f"this worker has no handler for {grant.handler!r}; it has: {known}"
        return fault("task.unknown", message, retryable=True)


def begin(attempt: Attempt, handler: Handler, secrets: Secrets) -> Any:
    """Convert the input, note that the handler is about to run, and call it.

    An async one gives a coroutine. Raises InputInvalid and SecretsMissing: then it has not run.
    """
    input_json = attempt.grant.input_json
    if attempt.grant.extra_json is not None:
        input_json, attempt.mask = fill_secrets(input_json, attempt.grant.extra_json, secrets)
        attempt.context.mask = attempt.mask
    arguments = handler.arguments(input_json, attempt.context)
    attempt.started = True
    failpoints.hit("worker.in_handler")
    return handler.function(*arguments[0], **arguments[1])


def _tell_masked(attempt: Attempt) -> None:
    if attempt.mask is not None and attempt.mask.told:
        names = ", ".join(sorted(attempt.mask.told))
        log.warning("%s: its answer held the secret %s, masked there", attempt.grant.key, names)


class _Timeout:
    """The callback of an attempt's deadline."""

    def __init__(self, executor: Executor, attempt: Attempt, limit: float) -> None:
        self._executor, self._attempt, self._limit = executor, attempt, limit

    def __call__(self) -> None:
        self._executor.time_out(self._attempt, self._limit)
