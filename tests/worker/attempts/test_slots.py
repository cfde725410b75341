"""Room on the desk: what waits and what is handed off share the slots."""

from uuid import uuid4

from onceflow.engine.calls import Grant, Key
from onceflow.worker.attempts.attempt import Attempt, Outcome
from onceflow.worker.attempts.slots import Desk
from onceflow.worker.registration.leases import Registration
from onceflow.worker.attempts.message import Message


def messages(count: int, partition: int = 0) -> list[Message]:
    return [Message(Key(uuid4(), "a"), "t", partition, n, b"", "") for n in range(count)]


def outcome() -> Outcome:
    fence = uuid4()
    grant = Grant(uuid4(), "a", fence, "h", "default", "{}", 1, None, "k", "w", 1, False)
    return Outcome(Attempt(grant, None, Registration(uuid4(), 5, 0)), b"1")


def test_messages_fill_the_free_slots_and_then_wait() -> None:
    desk = Desk(3)
    assert desk.wait_for_room(0) == 3
    desk.deliver(messages(3))
    assert desk.wait_for_room(0) == 0
    taken = desk.take_waiting()
    assert len(taken.messages) == 3
    for _ in taken.messages:
        desk.occupy()
    assert desk.wait_for_room(0) == 3  # as many again may wait for a slot
    desk.deliver(messages(3))
    assert desk.take_waiting().messages == []
    assert desk.wait_for_room(0) == 0
    desk.leave(outcome())
    work = desk.take(0)
    assert len(work.outcomes) == 1


def test_hand_offs_leave_a_part_of_what_is_free_to_messages() -> None:
    desk = Desk(32)
    desk.deliver(messages(32))
    desk.hand_in(outcome())
    assert desk.take(0).room == 30
    for _ in range(30):
        desk.occupy()
    assert len(desk.take_waiting().messages) == 2


def test_what_no_hand_off_has_taken_goes_to_messages() -> None:
    desk = Desk(12)
    desk.deliver(messages(12))
    desk.hand_in(outcome())
    desk.take(0)
    for _ in range(5):
        desk.occupy()
    assert len(desk.take_waiting().messages) == 7


def test_messages_leave_slots_to_what_follows_answers_that_are_not_recorded_yet() -> None:
    desk = Desk(10)
    desk.deliver(messages(10))
    assert desk.take(0).room == 0
    for _ in range(4):
        desk.hand_in(outcome())
    assert len(desk.take_waiting().messages) == 6


def test_every_sixteenth_time_the_last_slot_goes_to_a_message() -> None:
    desk = Desk(1)
    desk.deliver(messages(1))
    desk.occupy()
    got: list[int] = []
    for _ in range(32):
        desk.leave(outcome())
        got.append(desk.take(0).room)
        desk.occupy()
    assert got == ([1] * 15 + [0]) * 2
    assert [desk.room_to_go_on() for _ in range(16)] == [1] * 15 + [0]


def test_where_few_wait_no_more_is_kept_for_them() -> None:
    desk = Desk(100)
    desk.deliver(messages(2))
    desk.hand_in(outcome())
    assert desk.take(0).room == 98


def test_with_nothing_waiting_hand_offs_get_all() -> None:
    desk = Desk(4)
    desk.hand_in(outcome())
    assert desk.take(0).room == 4


def test_without_hand_off_messages_get_all() -> None:
    desk = Desk(4, hand_off=False)
    desk.deliver(messages(4))
    desk.hand_in(outcome())
    assert desk.take(0).room == 0
    assert len(desk.take_waiting().messages) == 4
    assert desk.room_to_go_on() == 0


def test_what_is_put_back_comes_first_again_and_partitions_can_be_forgotten() -> None:
    desk = Desk(4)
    first, second = messages(2), messages(2, partition=1)
    desk.deliver(first)
    assert desk.take_waiting().messages == first
    desk.deliver(second)
    desk.put_back(first)
    desk.forget(lambda m: m.partition == 1)
    assert desk.take_waiting().messages == first


def test_a_stopping_desk_takes_nothing_and_still_gives_answers() -> None:
    desk = Desk(2)
    desk.deliver(messages(2))
    desk.hand_in(outcome())
    desk.stop_accepting()
    work = desk.take(0)
    assert (len(work.outcomes), work.room) == (1, 0)
    assert desk.take_waiting().messages == []
    assert desk.wait_for_room(0) == 0
