"""start_instances: ids of the caller's, by which a call is repeated, and those made here"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.ids import cell_of, make_ids

from ...aged import age, make_week
from ...play import Play, take_messages
from ...sessions import Sessions
from ...workflows import sequence

NOTHING: dict[str, Any] = {}


def start_without_id(play: Play) -> uuid.UUID:
    """Start an instance whose id SQL makes."""
    return play.value(
        "select instance_id from onceflow.start_instances('flow', array['{}'::jsonb])"
    )


def test_ids_are_made_from_the_real_clock_whatever_the_test_clock_says(play: Play) -> None:
    play.deploy(sequence("a"))
    play.conn.execute("select onceflow.set_clock('1999-12-31')")
    before = datetime.now(UTC)
    instance = start_without_id(play)
    assert (instance.version, instance.variant) == (7, uuid.RFC_4122)
    made = datetime.fromtimestamp((instance.int >> 80) / 1000, UTC)
    assert abs(made - before) < timedelta(seconds=30)


def test_ids_made_later_are_larger(play: Play) -> None:
    play.deploy(sequence("a"))
    ids: list[Any] = []
    for _ in range(3):
        ids.append(start_without_id(play))
        play.value("select pg_sleep(0.002)")
    assert ids == sorted(ids)


def test_ids_tell_their_time_and_grow_however_fast_they_are_made(play: Play) -> None:
    before = play.value("select extract(epoch from clock_timestamp())::float8")
    play.deploy(sequence("a"))
    ids = [start_without_id(play) for _ in range(50)]
    after = play.value("select extract(epoch from clock_timestamp())::float8")
    assert ids == sorted(ids)
    assert {(i.version, i.variant, cell_of(i)) for i in ids} == {(7, uuid.RFC_4122, 0)}
    times = [(i.int >> 80) / 1000 for i in ids]
    assert before - 0.002 < times[0] <= times[-1] < after + 0.002


def test_a_call_repeated_with_its_ids_starts_nothing_more(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = make_ids(3)
    first = calls.start_instances(play.conn, "flow", [NOTHING] * 3, ids=ids)
    again = calls.start_instances(play.conn, "flow", [NOTHING] * 4, ids=[*ids, *make_ids(1)])
    assert [s.instance_id for s in first] == ids == [s.instance_id for s in again[:3]]
    assert [s.outcome for s in again] == ["exists", "exists", "exists", "started"]
    assert len(take_messages(play.conn)) == 4


def test_an_id_repeated_after_a_new_version_and_the_end_of_its_instance_is_still_known(
    play: Play,
) -> None:
    play.deploy(sequence("a"))
    ids = make_ids(1)
    calls.start_instances(play.conn, "flow", [{}], ids=ids)
    play.complete(ids[0], "a")
    play.deploy(sequence("b"))
    (again,) = calls.start_instances(play.conn, "flow", [{}], ids=ids)
    assert (again.outcome, again.state) == ("exists", "SUCCEEDED")


def test_an_id_with_another_input_or_workflow_is_a_conflict(play: Play) -> None:
    play.deploy(sequence("a"))
    play.deploy(sequence("a", name="other"))
    ids = make_ids(1)
    calls.start_instances(play.conn, "flow", [{"x": 1}], ids=ids)
    (input_,) = calls.start_instances(play.conn, "flow", [{"x": 2}], ids=ids)
    (workflow_,) = calls.start_instances(play.conn, "other", [{"x": 1}], ids=ids)
    assert [(s.outcome, s.instance_id) for s in (input_, workflow_)] == [("conflict", ids[0])] * 2
    assert play.value("select count(*) from onceflow.instances") == 1


def test_an_id_that_stands_twice_in_one_call_starts_one_instance(play: Play) -> None:
    play.deploy(sequence("a"))
    one, two = make_ids(2)
    started = calls.start_instances(
        play.conn, "flow", [{}, {"n": 1}, {}, {"n": 2}], ids=[two, one, two, one]
    )
    assert [s.outcome for s in started] == ["started", "started", "exists", "conflict"]
    assert [s.instance_id for s in started] == [two, one, two, one]


def test_a_start_repeated_while_the_first_is_under_way_waits_for_it(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(sequence("a"))
    ids = make_ids(20)
    first, second = sessions(), sessions()
    first.begin(lambda conn: calls.start_instances(conn, "flow", [NOTHING] * 20, ids=ids))
    waiting = second.call_blocked(
        lambda conn: calls.start_instances(conn, "flow", [NOTHING] * 20, ids=ids[::-1])
    )
    first.commit()
    assert {s.outcome for s in waiting.result(30)} == {"exists"}
    assert len(take_messages(play.conn)) == 20


def test_starts_of_the_same_ids_in_opposite_order_do_not_deadlock(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(sequence("a"))
    low, middle, high = make_ids(3)
    first, second = sessions(), sessions()
    first.begin(lambda conn: calls.start_instances(conn, "flow", [{}], ids=[low]))
    waiting = second.call_blocked(
        lambda conn: calls.start_instances(conn, "flow", [NOTHING] * 3, ids=[high, middle, low])
    )
    first.call(lambda conn: calls.start_instances(conn, "flow", [{}], ids=[high])).result(30)
    first.commit()
    assert [s.outcome for s in waiting.result(30)] == ["exists", "started", "exists"]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("onceflow.uuid7(0, clock_timestamp() - interval '61 min')", "more than an hour"),
        ("onceflow.uuid7(0, clock_timestamp() + interval '61 min')", "more than an hour"),
        ("gen_random_uuid()", "no UUID version 7"),
        ("onceflow.uuid7(4095)", "names cell 4095, and this is cell 0"),
    ],
)
def test_an_id_that_is_of_another_time_kind_or_cell_is_invalid(
    play: Play, made: str, message: str
) -> None:
    play.deploy(sequence("a"))
    odd = play.value(f"select {made}")
    refused, started = calls.start_instances(play.conn, "flow", [{}, {}], ids=[odd, *make_ids(1)])
    assert (refused.outcome, started.outcome) == ("invalid", "started")
    assert refused.error is not None
    assert refused.error["code"] == "invalid_id"
    assert message in refused.error["message"]


def test_an_id_almost_an_hour_old_or_ahead_is_taken_and_one_that_is_there_at_any_age(
    play: Play,
) -> None:
    play.deploy(sequence("a"))
    ids: list[uuid.UUID] = [
        play.value(f"select onceflow.uuid7(0, clock_timestamp() {sign} interval '59 min')")
        for sign in "-+"
    ]
    started = calls.start_instances(play.conn, "flow", [{}, {}], ids=ids)
    assert [s.outcome for s in started] == ["started", "started"]
    at = datetime.now(UTC) - timedelta(weeks=5)
    make_week(play.conn, at)
    old = age(play.conn, ids[0], at)
    (again,) = calls.start_instances(play.conn, "flow", [{}], ids=[old])
    assert (again.outcome, again.instance_id) == ("exists", old)


def test_ids_made_here_name_the_cell_of_the_database(play: Play) -> None:
    play.deploy(sequence("a"))
    play.conn.execute("update onceflow.deployment set cell = 2741")
    made = start_without_id(play)
    assert cell_of(made) == 2741
    assert play.value("select onceflow.cell_of(%s)", made) == 2741
    (ours,) = make_ids(1, cell=2741)
    (started,) = calls.start_instances(play.conn, "flow", [{}], ids=[ours])
    assert started.outcome == "started"


def test_ids_made_by_a_caller_look_like_those_made_here(play: Play) -> None:
    play.deploy(sequence("a"))
    before = start_without_id(play)
    ids = make_ids(1000)
    assert [before, *ids] == sorted({before, *ids})
    assert {(i.version, i.variant, cell_of(i)) for i in ids} == {(7, uuid.RFC_4122, 0)}
    assert {play.value("select onceflow.cell_of(%s)", i) for i in ids[:3]} == {0}
    assert play.value("select onceflow.cell_of(gen_random_uuid())") is None
