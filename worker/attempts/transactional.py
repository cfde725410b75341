"""Runs transactional handlers: quick ones in groups that share a transaction, others each alone.

The thread is theirs for the whole transaction, whether they are async or not.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from ...engine.errors import WorkerNotLive
from ...engine.settings import Settings
from ..handlers.conversion import encode_output
from ..handlers.errors import TaskError
from ..handlers.faults import Fault, fault, masked_fault
from ..handlers.later import Later
from ..handlers.texts import text_of
from ..registration.deadlines import Deadlines
from ..registration.retrying_connection import Abandoned, Trouble, judge
from .attempt import Attempt, Outcome, Recorded, Running
from .group import CUT, HOSTAGE, Group
from .handler_loop import HandlerLoop
from .handler_threads import HandlerThreads
from .handling import begin, fault_of, tell_masked
from .lanes import Lanes, Place
from .pace import Pace
from .slots import Slots
from .spans import AttemptSpan
from .traced import of_grant
from .transactions import NotAccepted, Session, Sessions, Transaction

log = logging.getLogger("onceflow.worker")


class Transactional:
    """Starts attempts of transactional handlers, and hands in what became of them.

    ``arm`` lets the time of an attempt be up at a moment of the monotonic clock.
    """

    def __init__(
        self,
        settings: Settings,
        slots: Slots,
        running: Running,
        deadlines: Deadlines,
        threads: HandlerThreads,
        loop: HandlerLoop,
        arm: Callable[[Attempt, float], None],
    ) -> None:
        self.settings = settings
        self.slots = slots
        self.deadlines = deadlines
        self.sessions = Sessions(settings)
        self.pace = Pace()
        self.cut, self.hostage = CUT, HOSTAGE
        self._lanes = Lanes(self.pace)
        self._running = running
        self._threads = threads
        self._loop = loop
        self._arm = arm

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Run attempts that have slots, and have not begun, together or alone."""
        quick: list[Attempt] = []
        for attempt in attempts:
            if self.pace.is_quick(attempt):
                quick.append(attempt)
            else:
                self._submit(partial(self._run_alone, attempt), [attempt])
        if quick:
            self._begin(self._lanes.enter(quick))

    def again(self, attempts: Sequence[Attempt], *, settled: bool = False) -> None:
        """Run attempts once more in their slots, each alone, as all that they did is rolled back.

        ``settled``: it was the caller who settled them. Others that are settled are answered.
        """
        for attempt in attempts:
            fresh = self._running.renew(attempt, settled=settled)
            if fresh is None:
                self.leave([attempt], [])
                continue
            if attempt.deadline is not None:
                self._arm(fresh, attempt.deadline.at)
            if fresh.registration.lost.is_set() and fresh.settle():  # whoever drops may not see it
                self.leave([fresh], [])
                continue
            self._submit(partial(self._run_alone, fresh), [fresh])

    def leave(self, attempts: Sequence[Attempt], outcomes: Sequence[Outcome]) -> None:
        """Free the slots of attempts that are settled, and lay down what is to be told of them."""
        for attempt in attempts:
            tell_masked(attempt)
        self.slots.leave_together(len(attempts), outcomes)
        for attempt in attempts:
            self._running.remove(attempt)

    def work(
        self, session: Session, attempt: Attempt, abort: Callable[[], None]
    ) -> bytes | Fault | Later:
        """Run the handler in the session's transaction; raises what it raises."""
        handler = attempt.handler
        if handler is None:
            raise TypeError("only an attempt that has a handler is run")
        attempt.context.enter_transaction(session.lend(asynchronous=handler.is_async))
        attempt.on_stop(abort=abort)
        with AttemptSpan(attempt) as span:
            try:
                result = begin(attempt, handler, self.settings.secrets)
                if handler.is_async:
                    result = self._loop.wait_for(result, attempt.on_stop)
                answer = encode_output(result, unknown=False, mask=attempt.mask)
            except BaseException as error:
                span.answer(fault_of(attempt, error) if span.told else None)
                raise
            span.answer(answer)
            return answer

    def close(self) -> None:
        """Close what no handler uses."""
        self.sessions.close()

    def _begin(self, groups: Sequence[Sequence[Attempt]]) -> None:
        for attempts in groups:
            leave = partial(self._leave_lane, attempts)
            self._submit(partial(self._run_in_lane, attempts), attempts, leave)

    def _run_in_lane(self, attempts: Sequence[Attempt]) -> None:
        group = Group(attempts, self) if len(attempts) > 1 else None
        place = Place(
            self.deadlines,
            self.cut,
            self.hostage,
            recording=lambda: attempts[0].ended if group is None else group.recording,
            ease=partial(self._ease_lane, attempts),
            leave=partial(self._leave_lane, attempts),
            on_cut=partial(self.pace.doubt, attempts[0]) if group is None else group.cut,
        )
        try:
            if group is None:
                self._run_alone(attempts[0])
            else:
                group.run()
        finally:
            place.leave()

    def _ease_lane(self, attempts: Sequence[Attempt]) -> None:
        self._begin(self._lanes.ease(attempts))

    def _leave_lane(self, attempts: Sequence[Attempt]) -> None:
        self._begin(self._lanes.leave(attempts))

    def _submit(
        self,
        job: Callable[[], None],
        attempts: Sequence[Attempt],
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        try:
            self._threads.submit(job)
        except RuntimeError as error:  # the machine has no thread left for it
            answer = fault("worker.no_thread", str(error), retryable=True)
            first = [attempt for attempt in attempts if attempt.finish()]
            self.leave(attempts, [Outcome(attempt, answer) for attempt in first])
            if otherwise is not None:
                otherwise()

    def _run_alone(self, attempt: Attempt) -> None:
        if attempt.settled:  # its time is up, or it is given back, before it could begin
            self.leave([attempt], [])
            return
        answer: Fault | Recorded | None = None
        try:
            answer = self._transact(attempt)
        except BaseException as error:  # there is no connection for it
            answer = fault_of(attempt, error) if attempt.finish() else None
        finally:
            self.leave([attempt], [] if answer is None else [Outcome(attempt, answer)])

    def _transact(self, attempt: Attempt) -> Fault | Recorded | None:
        """Run the handler and complete its task; from the transaction's begin on nothing raises."""
        transaction = Transaction(self.sessions, self.settings, attempt)
        try:
            output = self._work_alone(transaction, attempt)
            if not attempt.finish():  # its time is over, and somebody else has answered
                return None
            return self._complete(transaction, attempt, output)
        finally:
            transaction.end()

    def _work_alone(self, transaction: Transaction, attempt: Attempt) -> bytes | Fault | Later:
        began = time.monotonic()
        try:
            return self.work(transaction.session, attempt, transaction.session.abort)
        except BaseException as error:
            return fault_of(attempt, error)
        finally:
            self.pace.note(attempt.grant, time.monotonic() - began)

    def _complete(
        self, transaction: Transaction, attempt: Attempt, output: bytes | Fault | Later
    ) -> Fault | Recorded | None:
        """Complete the attempt in its transaction; a fault is to be recorded outside of it.

        None where the engine will find the end of this attempt by itself.
        """
        if isinstance(output, Fault):
            return output
        try:
            grants = transaction.complete(output, self.slots.room_to_go_on())
        except (NotAccepted, WorkerNotLive, Abandoned) as error:
            grant = attempt.grant
            told = of_grant(grant)
            log.warning("%s: rolled back, its completion being %s", grant.key, error, extra=told)
            return Recorded("stale") if isinstance(error, NotAccepted) else None
        except BaseException as error:
            if not isinstance(error, Exception) or isinstance(error, TaskError):
                return fault_of(attempt, error)
            if judge(error) is not Trouble.DATA:
                return fault_of(attempt, error)
            message = f"Postgres refuses the output, so all was rolled back: {text_of(error)}"
            return masked_fault(fault("output.refused", message), attempt.mask)
        return Recorded("accepted", grants)
