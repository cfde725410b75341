"""Transactional handlers that run one after another in one transaction, and complete together.

A group is on its way from one state to the next, and never back::

    RUNNING ──all have run──▶ RECORDING ──accepted, and committed──▶ OVER
       │                          │
       └──broken, or too slow──▶ APART ◀──anything else: nothing of it stands

While it is RUNNING one handler after another has the transaction. One that fails is rolled back
alone, and told to have failed when the others' effects stand: it may have seen them. One that takes
longer than ``CUT`` has those that still wait go elsewhere at once; after ``HOSTAGE`` those that ran
before it do so too, since the transaction with their effects is aborted.

What was in a group that is APART runs again, each alone, as if it had never been in one: under the
same fence, and without an attempt being counted. So whatever is odd (a handler that has ended the
transaction, an answer that the engine refuses, a deadlock, a lost connection) is found and told as
it is of handlers alone.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol, cast

import psycopg

from ...engine import failpoints
from ...engine.calls import Grant
from ...engine.errors import WorkerNotLive
from ...engine.settings import Settings
from ..handlers.faults import Fault
from ..handlers.later import Later
from ..registration.deadlines import Deadline, Deadlines
from ..registration.retrying_connection import LOCK_TIMEOUT, Abandoned
from .attempt import Attempt, Outcome, Recorded
from .handling import fault_of
from .pace import Pace
from .shared_transaction import Broken, SharedTransaction
from .slots import Slots
from .transactions import LIMIT, NotAccepted, Session, Sessions, complete_together, milliseconds

log = logging.getLogger("onceflow.worker")

CUT = 0.05
"""Seconds after a group's begin at which those in it that still wait go elsewhere."""
HOSTAGE = 1.0
"""Seconds after that at which those that ran before a slow one run again without it."""
LOST_A_LOCK = ("40001", "40P01", "55P03")
"""SQLSTATEs of serialization failures, deadlocks, and locks that could not be had in time."""
DEEPEST = 20
"""Exceptions that led to one another and are looked at."""


class State(Enum):
    """See the module."""

    RUNNING = 1
    RECORDING = 2
    OVER = 3
    APART = 4


class Runner(Protocol):
    """What a group needs of whoever runs it."""

    settings: Settings
    sessions: Sessions
    slots: Slots
    deadlines: Deadlines
    pace: Pace
    hostage: float

    def work(
        self, session: Session, attempt: Attempt, abort: Callable[[], None]
    ) -> bytes | Fault | Later:
        """Run the handler in the session's transaction; raises what it raises."""
        ...

    def start(self, attempts: Sequence[Attempt]) -> None:
        """Run attempts that have not begun, together or alone."""
        ...

    def again(self, attempts: Sequence[Attempt], *, settled: bool = False) -> None:
        """Run attempts once more, each alone."""
        ...

    def leave(self, attempts: Sequence[Attempt], outcomes: Sequence[Outcome]) -> None:
        """Free the slots of attempts, and lay down what is to be told of them."""
        ...


class Ran:
    """An attempt whose handler has ended. ``answer``: None where it is to run again, alone."""

    def __init__(self, attempt: Attempt, answer: bytes | Later | Fault | None) -> None:
        self.attempt = attempt
        self.answer = answer
        self.settled = False
        """Whether it was this group that settled it."""


class Group:
    """Attempts of one registration, with one limit of time, in one transaction."""

    def __init__(self, attempts: Sequence[Attempt], runner: Runner) -> None:
        self._runner = runner
        self._lock = threading.Lock()
        self._state = State.RUNNING
        self._waiting = deque(attempts)
        self._current: Attempt | None = None
        self._ran: list[Ran] = []
        self._told: tuple[Sequence[Attempt], Sequence[Outcome]] = ([], [])
        self._transaction: SharedTransaction | None = None
        self._deadline: Deadline | None = None

    def run(self) -> None:
        """Run all, in the caller's thread, and record what they answer; raises nothing."""
        transaction: SharedTransaction | None = None
        try:
            if (attempt := self._next()) is None:
                return
            limit = attempt.grant.timeout or LIMIT
            stop = threading.Event()  # nobody's own: that one is stopped is no matter of the others
            transaction = SharedTransaction(self._runner.sessions, limit, stop)
            self._transaction = transaction
            while attempt is not None:
                self._run_one(transaction, attempt)
                attempt = self._next()
            self._record(transaction)
        except Broken as error:
            log.info("transactional handlers run again, each alone: %s", error)
            if error.ended and self._current is not None:
                self._runner.pace.never(self._current.grant)
        except BaseException as error:
            log.info("transactional handlers run again, each alone: %s", type(error).__name__)
            log.debug("a group has come apart", exc_info=error)
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
            if transaction is not None:
                transaction.end()
            self._let_go()

    @property
    def recording(self) -> bool:
        """Whether all have run, and are being completed."""
        return self._state is State.RECORDING

    def cut(self) -> None:
        """Let those that wait go elsewhere, as the one that runs takes long."""
        with self._lock:
            if self._state is not State.RUNNING:
                return
            waiting, current = list(self._waiting), self._current
            self._waiting.clear()
            if self._deadline is None:
                self._deadline = self._runner.deadlines.add(
                    self._runner.hostage, self._free_hostages
                )
        if current is not None:
            self._runner.pace.doubt(current)
        self._runner.start(waiting)

    def break_up(self) -> None:
        """Abort the transaction; the one that runs is its own thread's matter. From any thread."""
        with self._lock:
            if self._state is not State.RUNNING:
                return
            self._state = State.APART
            ran, waiting = [one.attempt for one in self._ran], list(self._waiting)
            self._ran.clear()
            self._waiting.clear()
            transaction = self._transaction
        if transaction is not None:
            transaction.session.abort()
        self._runner.again(ran)
        self._runner.start(waiting)

    def _free_hostages(self) -> None:
        if self._ran:
            self.break_up()

    def _next(self) -> Attempt | None:
        """Return the one whose turn it is; None where nobody waits, or the group is no more."""
        dropped: list[Attempt] = []
        following: Attempt | None = None
        with self._lock:
            while self._state is State.RUNNING and self._waiting and following is None:
                attempt = self._waiting.popleft()
                if attempt.settled:  # its time is up, or it is given back
                    dropped.append(attempt)
                else:
                    self._current = following = attempt
        if dropped:
            self._runner.leave(dropped, [])
        return following

    def _run_one(self, transaction: SharedTransaction, attempt: Attempt) -> None:
        answer: bytes | Later | Fault | None
        began = time.monotonic()
        try:
            answer = self._runner.work(transaction.session, attempt, self.break_up)
        except BaseException as error:
            answer = None if lost_a_lock(error) else fault_of(attempt, error)
        self._runner.pace.note(attempt.grant, time.monotonic() - began)
        if self._state is State.APART:
            return
        failpoints.hit("worker.in_group")
        succeeded = answer is not None and not isinstance(answer, Fault)
        kept = transaction.leave(keep=succeeded and not attempt.settled)
        if attempt.deadline is not None:  # it has ended in time
            attempt.deadline.cancel()
        with self._lock:
            if self._state is State.RUNNING:
                self._current = None
                self._ran.append(Ran(attempt, None if succeeded and not kept else answer))
        if answer is None:  # whoever has the lock may wait for one of ours
            self.cut()

    def _record(self, transaction: SharedTransaction) -> None:
        """Complete what has run, and commit. Raises what keeps the transaction from it."""
        with self._lock:
            if self._state is not State.RUNNING:
                return
            self._state = State.RECORDING
        told = [one for one in self._ran if one.answer is not None]
        for one in told:
            one.settled = one.attempt.finish()
        if not all(one.settled for one in told):
            raise Broken("somebody else has answered one of them")
        answered = [(a.attempt, a.answer) for a in told if isinstance(a.answer, bytes | Later)]
        grants: list[Grant] = []
        try:
            if answered:
                transaction.close_guard()
                limit = milliseconds(LOCK_TIMEOUT)
                room = self._runner.slots.room_to_go_on(len(answered))
                grants = complete_together(
                    transaction.session, self._runner.settings, answered, room, lock_timeout=limit
                )
        except NotAccepted as error:
            stale = [one for one in told if one.attempt.grant.key in error.keys]
            self._tell(stale, [Outcome(one.attempt, Recorded("stale")) for one in stale])
            raise
        except (WorkerNotLive, Abandoned):  # the engine finds their ends by itself
            self._tell(told, [])
            raise
        self._state = State.OVER
        outcomes: list[Outcome] = []
        for one in told:
            if isinstance(one.answer, Fault):
                outcomes.append(Outcome(one.attempt, one.answer))
            else:  # the first brings what was granted
                outcomes.append(Outcome(one.attempt, Recorded("accepted", grants)))
                grants = []
        self._tell(told, outcomes)

    def _tell(self, ran: Sequence[Ran], outcomes: Sequence[Outcome]) -> None:
        """Have ``outcomes`` told of those that have ``ran``, once the transaction is let go."""
        self._told = [one.attempt for one in ran], outcomes
        self._ran = [one for one in self._ran if one not in ran]

    def _let_go(self) -> None:
        """Tell, in one moment, what is known; all others run again."""
        with self._lock:
            if self._state is not State.OVER:
                self._state = State.APART
            ran, self._ran = self._ran, []
            left = [] if self._current is None else [self._current]
            left += self._waiting
            self._waiting.clear()
        if self._told[0]:
            self._runner.leave(*self._told)
        for one in ran:
            self._runner.again([one.attempt], settled=one.settled)
        self._runner.again(left)


def lost_a_lock(error: BaseException) -> bool:
    """Return whether an exception comes from a lock that was not had; raises nothing."""
    found: BaseException | None = error
    try:
        for _ in range(DEEPEST):
            known = issubclass(type(found), psycopg.Error)  # isinstance() would ask the object
            if known and cast("psycopg.Error", found).sqlstate in LOST_A_LOCK:
                return True
            if found is None:
                return False
            found = found.__cause__ or found.__context__
    except BaseException:  # of an exception that is not what it seems
        return False
    return False
