"""What waits and what is handed off share the slots."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from uuid import uuid4

import pytest

from onceflow.engine.calls import Grant, Key
from onceflow.worker.attempts.attempt import Attempt, Outcome
from onceflow.worker.attempts.message import Message
from onceflow.worker.attempts.slots import Slots, Work
from onceflow.worker.registration.leases import Registration


def messages(count: int, partition: int = 0) -> list[Message]:
    return [Message(Key(uuid4(), "a"), "t", partition, n, b"", "") for n in range(count)]


def outcome() -> Outcome:
    fence = uuid4()
    grant = Grant(uuid4(), "a", fence, "h", "default", "{}", 1, None, "k", "w", 1, False)
    return Outcome(Attempt(grant, None, Registration(uuid4(), 5, 0)), b"1")


def test_messages_fill_the_free_slots_and_then_wait() -> None:
    slots = Slots(3)
    assert slots.wait_for_room(0) == 3
    slots.deliver(messages(3))
    assert slots.wait_for_room(0) == 0
    taken = slots.take_waiting()
    assert len(taken.messages) == 3
    for _ in taken.messages:
        slots.occupy()
    assert slots.wait_for_room(0) == 3  # as many again may wait for a slot
    slots.deliver(messages(3))
    assert slots.take_waiting().messages == []
    assert slots.wait_for_room(0) == 0
    slots.leave(outcome())
    work = slots.take(0)
    assert len(work.outcomes) == 1


def test_hand_offs_leave_a_part_of_what_is_free_to_messages() -> None:
    slots = Slots(32)
    slots.deliver(messages(32))
    slots.hand_in(outcome())
    assert slots.take(0).room == 30
    for _ in range(30):
        slots.occupy()
    assert len(slots.take_waiting().messages) == 2


def test_what_no_hand_off_has_taken_goes_to_messages() -> None:
    slots = Slots(12)
    slots.deliver(messages(12))
    slots.hand_in(outcome())
    slots.take(0)
    for _ in range(5):
        slots.occupy()
    assert len(slots.take_waiting().messages) == 7


def test_messages_leave_slots_to_what_follows_answers_that_are_not_recorded_yet() -> None:
    slots = Slots(10)
    slots.deliver(messages(10))
    assert slots.take(0).room == 0
    for _ in range(4):
        slots.hand_in(outcome())
    assert len(slots.take_waiting().messages) == 6


def test_every_sixteenth_time_the_last_slot_goes_to_a_message() -> None:
    slots = Slots(1)
    slots.deliver(messages(1))
    slots.occupy()
    got: list[int] = []
    for _ in range(32):
        slots.leave(outcome())
        got.append(slots.take(0).room)
        slots.occupy()
    assert got == ([1] * 15 + [0]) * 2
    assert [slots.room_to_go_on() for _ in range(16)] == [1] * 15 + [0]


def test_where_few_wait_no_more_is_kept_for_them() -> None:
    slots = Slots(100)
    slots.deliver(messages(2))
    slots.hand_in(outcome())
    assert slots.take(0).room == 98


def test_with_nothing_waiting_hand_offs_get_all() -> None:
    slots = Slots(4)
    slots.hand_in(outcome())
    assert slots.take(0).room == 4


def test_without_hand_off_messages_get_all() -> None:
    slots = Slots(4, hand_off=False)
    slots.deliver(messages(4))
    slots.hand_in(outcome())
    assert slots.take(0).room == 0
    assert len(slots.take_waiting().messages) == 4
    assert slots.room_to_go_on() == 0


def test_what_is_put_back_comes_first_again_and_partitions_can_be_forgotten() -> None:
    slots = Slots(4)
    first, second = messages(2), messages(2, partition=1)
    slots.deliver(first)
    assert slots.take_waiting().messages == first
    slots.deliver(second)
    slots.put_back(first)
    slots.forget(lambda m: m.partition == 1)
    assert slots.take_waiting().messages == first


def test_stopping_slots_take_nothing_and_still_gives_answers() -> None:
    slots = Slots(2)
    slots.deliver(messages(2))
    slots.hand_in(outcome())
    slots.stop_accepting()
    work = slots.take(0)
    assert (len(work.outcomes), work.room) == (1, 0)
    assert slots.take_waiting().messages == []
    assert slots.wait_for_room(0) == 0


def end(slots: Slots) -> Work | None:
    """Let a handler run and end."""
    slots.occupy()
    return slots.leave(outcome(), lend=True)


class OwnThread:
    """The turn's own thread, which takes what there is to do, once the test has looked at it."""

    def __init__(self, slots: Slots, timeout: float = 60) -> None:
        self.taken: SimpleQueue[Work] = SimpleQueue()
        self._slots = slots
        self._timeout = timeout
        self._goes_on = threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._goes_on.acquire()
            self.taken.put(self._slots.take(self._timeout))

    def lend(self) -> Work:
        """Let it wait, and handlers end until one of them is lent the turn."""
        for _ in range(1_000):
            self._goes_on.release()
            if (work := end(self._slots)) is not None:
                return work
            self.taken.get(timeout=30)
        raise AssertionError("nobody was ever lent the turn")


# guarantee: lent-twice
# guarantee: lent-end-untold
# guarantee: lent-while-taken
def test_a_turn_that_waits_is_lent_to_one_at_a_time() -> None:
    slots = Slots(4)
    own = OwnThread(slots)
    lent = own.lend()
    assert (len(lent.outcomes), lent.room) == (1, 4)
    assert end(slots) is None
    with pytest.raises(Empty):
        own.taken.get(timeout=0.2)
    slots.end_turn()
    assert len(own.taken.get(timeout=30).outcomes) == 1
    assert end(slots) is None, "its own thread is at work"
    assert len(own.lend().outcomes) == 1, "it waits again"


# guarantee: lent-and-taken
def test_however_long_a_lent_turn_takes_it_is_waited_for() -> None:
    slots = Slots(4)
    own = OwnThread(slots, 0.1)
    own.lend()
    with pytest.raises(Empty):
        own.taken.get(timeout=0.5)
    slots.end_turn()
    assert own.taken.get(timeout=30).outcomes == []


def test_what_wakes_the_turn_meanwhile_is_seen_at_the_end_of_one_that_is_lent() -> None:
    slots = Slots(4)
    own = OwnThread(slots)
    own.lend()
    slots.wake()
    with pytest.raises(Empty):
        own.taken.get(timeout=0.2)
    slots.end_turn()
    assert own.taken.get(timeout=30).outcomes == []


OTHERS: dict[str, Callable[[Slots], None]] = {
    "messages": lambda slots: slots.deliver(messages(1)),
    "outbox": lambda slots: slots.look_there(True),
    "handler": Slots.occupy,
    "stop": Slots.stop_accepting,
}


# guarantee: lent-before-messages
# guarantee: lent-before-outbox
# guarantee: lent-beside-others
# guarantee: lent-at-the-end
@pytest.mark.parametrize("other", OTHERS)
def test_a_turn_is_not_lent_where_there_is_something_else(other: str) -> None:
    slots = Slots(2 if other == "handler" else 1)
    own = OwnThread(slots)
    own.lend()
    slots.end_turn()  # its own thread still waits
    slots.occupy()
    OTHERS[other](slots)  # in vain, but for the end of the handler: there is no slot
    assert slots.leave(outcome(), lend=True) is None
    assert len(own.taken.get(timeout=30).outcomes) == 1


def test_a_turn_that_does_not_wait_is_not_lent() -> None:
    slots = Slots(4)
    assert end(slots) is None
    assert len(slots.take(0).outcomes) == 1
    slots.occupy()
    assert slots.leave(lend=True) is None
