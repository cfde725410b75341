"""renew_worker beside a handler that holds its instance, or the expiry of its worker."""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import (
    Connection,
    Play,
)
from ..sessions import Sessions
from ..workflows import sequence
from .calls import completing, ticking


# guarantee: worker-revived
@pytest.mark.parametrize("first", ["renewal", "tick"])
def test_a_renewal_and_the_tick_that_would_declare_its_worker_dead(
    play: Play, sessions: Sessions, first: str
) -> None:
    play.worker.vanish()
    one, other = sessions(), sessions()

    def renew(conn: Connection) -> list[Key]:
        return calls.renew_worker(conn, play.worker.id, [], 1, {}, {})

    if first == "renewal":
        one.begin(renew)
        assert play.tick().lost_workers == 0, "nor does it wait"
        one.commit()
        assert play.tick().lost_workers == 0
        assert play.row("select state from onceflow.workers") == ("live",)
    else:
        assert one.begin(ticking).lost_workers == 1
        dead = other.call_blocked(renew)
        one.commit()
        assert isinstance(dead.exception(30), calls.base.OnceflowError)
        assert play.row("select state from onceflow.workers") == ("dead",)


def test_a_renewal_does_not_wait_for_an_instance_that_a_handler_holds(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    handler = sessions()
    handler.begin(completing(play, grant))
    play.worker.call = 100
    assert play.worker.renew() == []
    handler.rollback()
    assert play.state(instance, "a") == "RUNNING"
    play.worker.renew()
    assert play.state(instance, "a") == "QUEUED"
