"""take_tasks beside another taker, a lock, or the call that it repeats."""

import uuid
from collections.abc import Callable

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import (
    Connection,
    Play,
)
from ..sessions import Sessions
from ..workflows import sequence
from .calls import TOKEN, suspending


def taking(play: Play, limit: int, token: uuid.UUID) -> Callable[[Connection], list[Key]]:
    """Return a taking of tasks, to be run in a session: which were granted."""

    def take(conn: Connection) -> list[Key]:
        taken = calls.take_tasks(conn, play.worker.id, token, 1, ["default"], limit)
        return [Key(t.instance_id or token, t.task or "") for t in taken if t.answer == "granted"]

    return take


def test_two_takers_never_get_the_same_message(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))
    ids = [play.start("flow") for _ in range(4)]
    one, other = sessions(), sessions()
    first = one.begin(taking(play, 2, uuid.uuid4()))
    second = other.begin(taking(play, 10, uuid.uuid4()))
    assert [key.instance_id for key in first] == ids[:2]
    assert [key.instance_id for key in second] == ids[2:]
    one.commit()
    other.commit()
    assert play.value("select count(*) from onceflow.outbox") == 0


def test_what_a_taker_rolls_back_is_taken_by_another(play: Play, sessions: Sessions) -> None:
    instance = play.begin(sequence("a"))
    one = sessions()
    assert one.begin(taking(play, 2, uuid.uuid4())) == [Key(instance, "a")]
    one.rollback()
    assert play.state(instance, "a") == "QUEUED"
    assert taking(play, 2, uuid.uuid4())(play.conn) == [Key(instance, "a")]


# guarantee: claim-skips-locked
def test_a_task_whose_row_is_locked_is_waited_for_by_its_taker(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    operator, worker = sessions(), sessions()
    operator.begin(suspending(instance))
    taken = worker.call_blocked(taking(play, 2, uuid.uuid4()))
    operator.rollback()
    assert taken.result(30) == [Key(instance, "a")]


def test_a_repetition_waits_for_the_call_that_it_repeats(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))
    for _ in range(4):
        play.start("flow")
    lost, again = sessions(), sessions()
    first = lost.begin(taking(play, 2, TOKEN))
    second = again.call_blocked(taking(play, 2, TOKEN))
    lost.commit()
    assert sorted(second.result(30), key=str) == sorted(first, key=str)
    assert len(play.worker.grants(TOKEN)) == 2
