"""require_transport"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import Refused

from ...play import Play, switch
from ...sessions import Sessions


# guarantee: transport-unasked
@pytest.mark.parametrize(("mine", "other"), [("kafka", "postgres"), ("postgres", "kafka")])
def test_another_transport_is_refused_with_what_to_type(play: Play, mine: str, other: str) -> None:
    play.worker.stop()
    switch(play.conn, mine)
    calls.require_transport(play.conn, mine)
    with pytest.raises(Refused, match=f"is {mine}, and not {other}") as caught:
        calls.require_transport(play.conn, other)
    assert f"ONCEFLOW_TRANSPORT={mine}" in caught.value.hint
    assert f"onceflow transport {other}" in caught.value.hint


def test_while_it_is_being_switched_every_transport_is_refused(play: Play) -> None:
    play.conn.execute("update onceflow.deployment set transport = 'switching'")
    for transport in ("kafka", "postgres"):
        with pytest.raises(Refused, match="being switched") as caught:
            calls.require_transport(play.conn, transport)
        assert f"onceflow transport {transport}" in caught.value.hint


def test_a_switch_waits_for_a_transaction_that_has_asked(play: Play, sessions: Sessions) -> None:
    play.worker.stop()
    asking, switching = sessions(), sessions()
    asking.begin(lambda conn: calls.require_transport(conn, "kafka"))
    switched = switching.call_blocked(lambda conn: calls.switch_transport(conn, "postgres"))
    asking.commit()
    switched.result(30)
    with pytest.raises(Refused):
        calls.require_transport(play.conn, "kafka")
