"""Room on the desk: what waits and what is handed off share the slots."""

from uuid import uuid4

from onceflow.engine.calls import Grant, Key
from onceflow.worker.attempt import Attempt, Outcome
from onceflow.worker.desk import Desk
from onceflow.worker.leases import Registration
from onceflow.worker.message import Message


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
    taken = desk.take(0)
    assert len(taken.messages) == 3
    for _ in taken.messages:
        desk.occupy()
    assert desk.wait_for_room(0) == 3  # as many again may wait for a slot
    desk.deliver(messages(3))
    assert desk.take(0).messages == []
    assert desk.wait_for_room(0) == 0
    desk.leave(outcome())
    work = desk.take(0)
    assert len(work.outcomes) == 1


def test_hand_offs_and_messages_share_what_is_free() -> None:
    desk = Desk(10)
    desk.deliver(messages(10))
    desk.hand_in(outcome())
    work = desk.take(0)
    assert (len(work.messages), work.room) == (5, 5)


def test_the_last_slot_goes_to_each_in_turn() -> None:
    desk = Desk(1)
    desk.deliver(messages(1))
    desk.occupy()
    got: list[tuple[int, int]] = []
    for _ in range(4):
        desk.leave(outcome())
        work = desk.take(0)
        got.append((len(work.messages), work.room))
        desk.put_back(work.messages)
        desk.occupy()
    assert sorted(got) == [(0, 1), (0, 1), (1, 0), (1, 0)]


def test_with_nothing_waiting_hand_offs_get_all() -> None:
    desk = Desk(4)
    desk.hand_in(outcome())
    assert desk.take(0).room == 4


def test_without_hand_off_messages_get_all() -> None:
    desk = Desk(4, hand_off=False)
    desk.deliver(messages(4))
    desk.hand_in(outcome())
    work = desk.take(0)
    assert (len(work.messages), work.room) == (4, 0)
    assert desk.room_to_go_on() == 0


def test_what_is_put_back_comes_first_again_and_partitions_can_be_forgotten() -> None:
    desk = Desk(4)
    first, second = messages(2), messages(2, partition=1)
    desk.deliver(first)
    assert desk.take(0).messages == first
    desk.deliver(second)
    desk.put_back(first)
    desk.forget(lambda m: m.partition == 1)
    assert desk.take(0).messages == first


def test_a_stopping_desk_takes_nothing_and_still_gives_answers() -> None:
    desk = Desk(2)
    desk.deliver(messages(2))
    desk.hand_in(outcome())
    desk.stop_accepting()
    work = desk.take(0)
    assert (len(work.outcomes), work.messages, work.room) == (1, [], 0)
    assert desk.wait_for_room(0) == 0
