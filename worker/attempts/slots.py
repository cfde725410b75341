"""Where the threads of a worker meet: messages to claim, answers to record, and the free slots.

There is one turn, and one thread at it. While its own thread waits for something to do, the last
handler that runs is lent the turn as it ends, where nothing else waits::

    WAITING ──work, or time──▶ TAKEN ──its next take()──▶ WAITING
       │
       └──the last ends──▶ LENT ──end_turn()──▶ WAITING, or TAKEN where its own thread has come

So what follows a step alone wakes nobody, and as no handler runs the call keeps none waiting.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .attempt import Outcome, Recorded
from .message import Message

T = TypeVar("T")

LARGEST_SET = 500
"""Tasks in one call, at most."""

KEPT = 1 / 16
"""The part of the free slots that hand-offs leave to messages where some wait. Instances under way
go on first, since that takes no trip, and the slots of those that end are for messages anyway; this
is for long ones, that nobody may wait for ever."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a turn of the worker begins with. ``room`` is how many tasks may be handed to it."""

    outcomes: list[Outcome]
    room: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a turn may claim.

    ``share`` is how many tasks may be taken out of the outbox, where messages do not come by
    themselves.
    """

    messages: list[Message]
    share: int


class Slots:
    """Shared by the turn, the delivery of messages and the handlers; one lock, short moments.

    ``slots`` is how many handlers may run at once. As many messages again may wait here unclaimed,
    so that a slot that falls free is not idle for a trip to the broker, and so that a worker kept
    busy by hand-offs still sees that others are waiting. Without ``hand_off`` it is handed nothing.
    """

    def __init__(self, slots: int, *, hand_off: bool = True) -> None:
        lock = threading.Lock()
        self._work = threading.Condition(lock)  # the turn waits here
        self._space = threading.Condition(lock)  # the delivery over Kafka waits here
        self._settled = threading.Condition(lock)  # and here, for what a turn is claiming
        self._slots = slots
        self._free = slots
        self._hand_off = hand_off
        self._messages: deque[Message] = deque()
        self._claiming = False
        self._outcomes: deque[Outcome] = deque()
        self._handed = 0  # tasks that come with outcomes and want slots
        self._look = False
        self._waits = False  # the turn's own thread, for something to do
        self._lent = False
        self._accepting = True
        self._woken = False
        self._kept = 0
        self._part = 0.0

    # The turn's side.

    def take(self, timeout: float) -> Work:
        """Wait up to ``timeout`` seconds for something to do; return answers, and room for more.

        What of the room no hand-off has taken is for ``take_waiting``, right after. Where the turn
        is lent it waits for its end, too, however long that takes.
        """
        with self._work:
            self._waits = timeout > 0
            try:
                self._work.wait_for(self._has_work, timeout)
            finally:
                self._waits = False
            self._work.wait_for(lambda: not self._lent)
            self._woken = False
            return self._next_work()

    def _next_work(self) -> Work:
        outcomes = _pop(self._outcomes, LARGEST_SET)
        free = max(0, self._free - self._handed)
        self._handed -= sum(map(_handed, outcomes))
        if not (self._accepting and self._hand_off and outcomes):
            return Work(outcomes, 0)
        self._kept = self._keep(free)
        return Work(outcomes, min(free - self._kept, LARGEST_SET))

    def take_waiting(self) -> Waiting:
        """Return as much of what waits as there are slots free now.

        Answers that have come in meanwhile will want slots for what follows them.
        """
        with self._work:
            if not self._accepting:
                return Waiting([], 0)
            free = max(0, self._free)
            if self._hand_off:
                free = min(free, max(self._kept, free - len(self._outcomes)))
            self._kept = 0
            free = min(free, LARGEST_SET)
            messages = _pop(self._messages, free)
            if messages:
                self._claiming = True
                self._space.notify()
            return Waiting(messages, free if self._look else 0)

    def room_to_go_on(self, ended: int = 1) -> int:
        """Return how many of so many handlers that end may go on along their instances in their
        own slots.

        For transactional handlers, which complete outside of the turn.
        """
        with self._work:
            return ended - self._keep(ended) if self._hand_off else 0

    def _keep(self, free: int) -> int:
        """Return how many of so many free slots are kept for messages, parts of one in turns."""
        waiting = free if self._look else min(free, len(self._messages))
        if not waiting:
            self._part = 0.0
            return 0
        self._part += free * KEPT
        kept = min(int(self._part), waiting)
        self._part -= kept
        return kept

    def put_back(self, messages: list[Message]) -> None:
        """Lay messages down again that were taken and not claimed, before those that wait."""
        with self._work:
            self._end_claim()
            if self._accepting:
                self._messages.extendleft(reversed(messages))

    def claimed(self) -> None:
        """Say that the messages of ``take_waiting`` are claimed, and may be committed."""
        with self._work:
            self._end_claim()

    def _end_claim(self) -> None:
        self._claiming = False
        self._settled.notify()

    def occupy(self, count: int = 1) -> None:
        """Take slots for attempts that are about to start."""
        with self._work:
            self._free -= count

    def stop_accepting(self) -> None:
        """Take no more work: drop the messages, unclaimed, and give no room for hand-offs."""
        with self._work:
            self._accepting = False
            self._messages.clear()
            self._work.notify()
            self._space.notify()

    def wake(self) -> None:
        """Let the turn that waits look around."""
        with self._work:
            self._woken = True
            self._work.notify()

    def _has_work(self) -> bool:
        return not self._lent and bool(
            self._woken
            or self._outcomes
            or (self._accepting and (self._messages or self._look) and self._free > 0)
        )

    # The side of the delivery out of the outbox, which has no messages but may know that some wait.

    def look_there(self, look: bool) -> None:
        """Say whether messages may wait in the outbox: then the turn takes what it has room for."""
        with self._work:
            self._look = look
            if look:
                self._work.notify()

    # The side of the delivery over Kafka.

    def wait_for_room(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds for room; return how many messages there is room for."""
        with self._work:
            self._space.wait_for(lambda: self._room() > 0, timeout)
            return self._room()

    def deliver(self, messages: Iterable[Message]) -> None:
        """Lay messages down to be claimed, in their order."""
        with self._work:
            if self._accepting:
                self._messages.extend(messages)
                self._work.notify()

    def forget(self, gone: Callable[[Message], bool]) -> None:
        """Drop messages that somebody else will get, as their partition went to another worker."""
        with self._work:
            self._messages = deque(m for m in self._messages if not gone(m))

    def wait_for_claim(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for the end of a claim of messages that is under way."""
        with self._work:
            self._settled.wait_for(lambda: not self._claiming, timeout)

    def _room(self) -> int:
        return self._slots - len(self._messages) if self._accepting else 0

    # The handlers' side.

    def hand_in(self, outcome: Outcome) -> None:
        """Lay an answer down to be recorded."""
        with self._work:
            self._outcomes.append(outcome)
            self._work.notify()

    def leave(self, outcome: Outcome | None = None, *, lend: bool = False) -> Work | None:
        """Free the slot of a handler that has ended, and lay its answer down, in one moment.

        With ``lend`` its thread may be lent the turn. Then it is given what there is to do, and
        must call ``end_turn`` when that is done.
        """
        with self._work:
            self._free += 1
            lent = lend and outcome is not None and self._may_be_lent()
            if outcome is not None:
                self._outcomes.append(outcome)
                self._handed += _handed(outcome)
            if not lent:
                self._work.notify()
                return None
            self._lent = True
            return self._next_work()

    def _may_be_lent(self) -> bool:
        return (
            self._waits
            and self._accepting
            and self._free == self._slots
            and not (self._lent or self._woken or self._outcomes or self._messages or self._look)
        )

    def end_turn(self, left: Sequence[Outcome] = ()) -> None:
        """Give back the turn that ``leave`` has lent, with what of its work is ``left`` to do."""
        with self._work:
            self._lent = False
            self._outcomes.extendleft(reversed(left))
            if self._has_work() or not self._waits:
                self._work.notify()

    def leave_together(self, count: int, outcomes: Sequence[Outcome]) -> None:
        """Free the slots of so many handlers that have ended, and lay their answers down, in one
        moment: the turn that sees one of them sees all.
        """
        with self._work:
            self._free += count
            self._outcomes.extend(outcomes)
            self._handed += sum(map(_handed, outcomes))
            self._work.notify()

    @property
    def waiting(self) -> int:
        """How many messages wait for a slot."""
        with self._work:
            return len(self._messages)

    @property
    def total(self) -> int:
        """How many handlers may run at once."""
        return self._slots

    @property
    def busy(self) -> int:
        """How many slots are taken."""
        with self._work:
            return self._slots - self._free

    @property
    def unrecorded(self) -> bool:
        """Whether answers lie here."""
        with self._work:
            return bool(self._outcomes)


def _handed(outcome: Outcome) -> int:
    return len(outcome.answer.grants) if isinstance(outcome.answer, Recorded) else 0


def _pop(items: deque[T], most: int) -> list[T]:
    return [items.popleft() for _ in range(min(most, len(items)))]
