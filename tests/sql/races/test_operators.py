"""Two operators at once."""

from collections.abc import Callable

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import (
    Connection,
    Play,
)
from ..sessions import Sessions
from ..workflows import sequence
from .calls import cancelling, suspending


# guarantee: order-instances
def test_operators_calls_on_sets_in_opposite_order_do_not_deadlock(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(sequence("a"))
    ids = [play.start("flow") for _ in range(20)]
    one, other = sessions(), sessions()
    one.begin(suspending(*ids))
    waiting = other.call_blocked(cancelling(*reversed(ids)))
    one.commit()
    assert waiting.result(30) == ["done"] * 20
    assert {play.state(i) for i in ids} == {"CANCELLED"}


# guarantee: instance-lock
@pytest.mark.parametrize("second", ["redrive", "skip", "discard"])
def test_two_operators_decide_about_one_dead_letter_once(
    play: Play, sessions: Sessions, second: str
) -> None:
    instance = play.begin(sequence("a", "b", on_failure="suspend"))
    play.fail(instance, "a")
    key = Key(instance, "a")
    one, other = sessions(), sessions()
    one.begin(lambda conn: calls.redrive_dead_letters(conn, [key]))
    decide: dict[str, Callable[[Connection], list[calls.Decided]]] = {
        "redrive": lambda conn: calls.redrive_dead_letters(conn, [key]),
        "skip": lambda conn: calls.skip_dead_letters(conn, [key], [None]),
        "discard": lambda conn: calls.discard_dead_letters(conn, [key]),
    }
    waiting = other.call_blocked(decide[second])
    one.commit()
    (decided,) = waiting.result(30)
    assert (decided.outcome, decided.detail) == ("refused", "it is no dead letter, but QUEUED")
    assert play.log(instance, "a")[-2:] == ["DEAD_LETTER", "QUEUED"]
