"""start_instances: one idempotency key starts one instance"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument
from onceflow.engine.ids import make_ids

from ...play import Play, take_messages
from ...sessions import Sessions
from ...workflows import sequence


def test_an_invalid_item_takes_no_key(play: Play) -> None:
    play.deploy(sequence("a"))
    (refused,) = calls.start_instances(play.conn, "flow", [[]], ["k"])
    (started,) = calls.start_instances(play.conn, "flow", [{}], ["k"])
    assert (refused.outcome, started.outcome) == ("invalid", "started")
    with pytest.raises(BadArgument, match="no JSON object"):
        _ = refused.instance_id


def test_a_key_of_255_characters_is_taken(play: Play) -> None:
    play.deploy(sequence("a"))
    (started,) = calls.start_instances(play.conn, "flow", [{}], ["ż" * 255])
    assert started.outcome == "started"


def test_one_key_starts_one_instance(play: Play) -> None:
    play.deploy(sequence("a"))
    (first,) = calls.start_instances(play.conn, "flow", [{"x": 1}], ["k"])
    (again,) = calls.start_instances(play.conn, "flow", [{"x": 1}], ["k"])
    assert (again.instance_id, again.outcome) == (first.instance_id, "exists")
    assert play.value("select count(*) from onceflow.instances") == 1
    assert len(take_messages(play.conn)) == 1


def test_a_repeated_key_is_answered_with_the_state_that_its_instance_is_in(play: Play) -> None:
    play.deploy(sequence("a"))
    (first,) = calls.start_instances(play.conn, "flow", [{}], ["k"])
    play.complete(first.instance_id, "a")
    (again,) = calls.start_instances(play.conn, "flow", [{}], ["k"])
    assert (again.outcome, again.state) == ("exists", "SUCCEEDED")


def test_a_key_with_another_input_is_a_conflict_and_starts_nothing(play: Play) -> None:
    play.deploy(sequence("a"))
    (first,) = calls.start_instances(play.conn, "flow", [{"x": 1}], ["k"])
    (other,) = calls.start_instances(play.conn, "flow", [{"x": 2}], ["k"])
    assert (other.instance_id, other.outcome) == (first.instance_id, "conflict")
    assert play.value("select count(*) from onceflow.instances") == 1


def test_the_order_of_an_inputs_fields_does_not_matter_to_its_key(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.start_instances(play.conn, "flow", [b'{"x": 1, "y": 2}'], ["k"])
    (again,) = calls.start_instances(play.conn, "flow", [b'{"y":2,"x":1}'], ["k"])
    assert again.outcome == "exists"


def test_a_key_that_stands_twice_in_one_call_starts_one_instance(play: Play) -> None:
    play.deploy(sequence("a"))
    started = calls.start_instances(
        play.conn, "flow", [{"n": 1}, {}, {"n": 1}, {"n": 2}, {}], ["k", None, "k", "k", None]
    )
    assert [s.outcome for s in started] == ["started", "started", "exists", "conflict", "started"]
    assert started[0].instance_id == started[2].instance_id == started[3].instance_id
    assert play.value("select count(*) from onceflow.instances") == 3


def test_keys_of_different_workflows_do_not_meet_those_of_versions_do(play: Play) -> None:
    play.deploy(sequence("a"))
    play.deploy(sequence("a", name="other"))
    (one,) = calls.start_instances(play.conn, "flow", [{}], ["k"])
    (other,) = calls.start_instances(play.conn, "other", [{}], ["k"])
    play.deploy(sequence("b"))
    (later,) = calls.start_instances(play.conn, "flow", [{}], ["k"])
    assert other.outcome == "started"
    assert (later.outcome, later.instance_id) == ("exists", one.instance_id)


# guarantee: key-twice
def test_a_key_sent_from_two_sessions_at_once_starts_one_instance(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(sequence("a"))
    first, second = sessions(), sessions()
    (one,) = first.begin(lambda conn: calls.start_instances(conn, "flow", [{}], ["k"]))
    waiting = second.call_blocked(lambda conn: calls.start_instances(conn, "flow", [{}], ["k"]))
    first.commit()
    (other,) = waiting.result(30)
    assert (one.outcome, other.outcome) == ("started", "exists")
    assert one.instance_id == other.instance_id


def test_a_key_whose_first_sender_rolls_back_is_free_for_the_second(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(sequence("a"))
    first, second = sessions(), sessions()
    first.begin(lambda conn: calls.start_instances(conn, "flow", [{}], ["k"]))
    waiting = second.call_blocked(
        lambda conn: calls.start_instances(conn, "flow", [{"x": 1}], ["k"])
    )
    first.rollback()
    (other,) = waiting.result(30)
    assert other.outcome == "started"
    assert play.value("select count(*) from onceflow.instances") == 1


# guarantee: order-keys
def test_sets_of_keys_in_opposite_order_do_not_deadlock(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))
    keys: list[str | None] = [f"k{n}" for n in range(20)]
    first, second = sessions(), sessions()
    first.begin(lambda conn: calls.start_instances(conn, "flow", [{"n": 1}] * 20, keys))
    waiting = second.call_blocked(
        lambda conn: calls.start_instances(conn, "flow", [{"n": 1}] * 21, [*reversed(keys), "more"])
    )
    first.commit()
    assert [s.outcome for s in waiting.result(30)] == ["exists"] * 20 + ["started"]


def test_a_key_and_an_id_repeated_together_are_one_instance(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = make_ids(1)
    outcomes = [
        calls.start_instances(play.conn, "flow", [{}], keys, ids=sent)[0].outcome
        for keys, sent in ((["k"], ids), (["k"], ids), (["k"], None), (None, ids))
    ]
    assert outcomes == ["started", "exists", "exists", "exists"]


def test_a_key_never_names_an_instance_with_another_input(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = make_ids(1)
    calls.start_instances(play.conn, "flow", [{"x": 1}], ids=ids)
    (other,) = calls.start_instances(play.conn, "flow", [{"x": 2}], ["k"], ids=ids)
    (free,) = calls.start_instances(play.conn, "flow", [{"x": 3}], ["k"])
    assert (other.outcome, free.outcome) == ("conflict", "started")
