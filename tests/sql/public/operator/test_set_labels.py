"""set_labels: labels of instances, running and ended, given and taken away."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from onceflow.engine import calls
from onceflow.engine.calls.reads import Query
from onceflow.engine.errors import BadArgument

from ...aged import age, drop_all, make_week
from ...play import Connection, Play
from ...sessions import Sessions
from ...workflows import sequence
from ..views.test_search_values import explain

Json = Any
NOW = datetime.now(UTC)


def labels(play: Play, instance: UUID) -> Json:
    return play.value("select labels from onceflow.instances where id = %s", instance)


def put(play: Play, instance: UUID, given: Json, by: str | None = None) -> tuple[str, str]:
    (one,) = calls.set_labels(play.conn, [instance], given, by)
    return one.outcome, one.detail


def test_they_are_given_changed_and_taken_away_and_others_stay(play: Play) -> None:
    instance, other = play.begin(sequence("a")), play.start("flow")
    assert put(play, instance, {"customer": "ACME", "n": 1.50}) == (
        "done",
        '{"n": "1.5", "customer": "ACME"}',
    )
    put(play, instance, {"n": 2, "ok": False})
    put(play, instance, {"customer": None, "never": None})
    assert labels(play, instance) == {"n": "2", "ok": "false"}
    assert labels(play, other) == {}
    put(play, instance, {"n": None, "ok": None})
    assert play.rows("select * from onceflow.search_values") == []


# guarantee: labels-erased
def test_an_instance_that_has_ended_takes_them_and_one_erased_none(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.complete(instance, "a")
    assert put(play, instance, {"customer": "ACME"})[0] == "done"
    calls.erase_instances(play.conn, [instance])
    assert labels(play, instance) == {}
    outcome, detail = put(play, instance, {"customer": "ACME"})
    assert outcome == "refused"
    assert detail.startswith("its payloads, and its labels with them, were erased at ")
    assert play.rows("select * from onceflow.search_values") == []


def test_no_instance_has_more_than_are_allowed(play: Play) -> None:
    instance = play.begin(sequence("a"))
    put(play, instance, {f"a{n}": n for n in range(32)})
    refused = ("refused", "it would have more than 32 labels; take some away")
    assert put(play, instance, {"b": 1}) == refused
    assert put(play, instance, {"b": 1, "a0": None})[0] == "done"
    assert put(play, instance, {"a1": "x"})[0] == "done"
    assert len(labels(play, instance)) == 32


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"Team": "x"}, "labels/Team: the name of a label is a small letter"),
        ({"team": ["x"]}, "labels/team: is an array"),
        ({"team": "x" * 256}, "labels/team: has 256 bytes, and 255 are the most"),
        ({f"a{n}": 1 for n in range(33)}, "labels: has 33 labels"),
        ([1], "labels: is no object"),
        (None, "labels: is no object"),
    ],
)
def test_what_is_no_label_changes_nothing(play: Play, given: Json, told: str) -> None:
    instance = play.begin(sequence("a"))
    with pytest.raises(BadArgument, match=told):
        calls.set_labels(play.conn, [instance], given)
    assert labels(play, instance) == {}


def test_one_that_is_unknown_keeps_no_other_from_it(play: Play) -> None:
    instance, unknown = play.begin(sequence("a")), uuid4()
    told = calls.set_labels(play.conn, [unknown, instance, instance], {"a": "x"})
    assert {one.instance_id: one.outcome for one in told} == {
        instance: "done",
        unknown: "unknown",
    }
    assert calls.set_labels(play.conn, [], {"a": "x"}) == []


# guarantee: labels-audit
def test_the_audit_has_names_and_who_and_no_value_and_again_tells_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    put(play, instance, {"customer": "ACME", "team": None}, "anna")
    put(play, instance, {"customer": "ACME", "team": None}, "bert")
    rows = play.rows(
        "select actor, target, before, after from onceflow.audit where verb = 'set_labels'"
    )
    assert rows == [("anna", str(instance), None, {"labels": ["customer", "team"]})]


def test_they_are_no_transition(play: Play) -> None:
    instance = play.begin(sequence("a"))
    before = play.instance(instance, "seq"), play.log(instance, "a")
    put(play, instance, {"customer": "ACME"})
    assert (play.instance(instance, "seq"), play.log(instance, "a")) == before


# guarantee: labels-one
def test_of_two_who_give_one_label_at_a_time_the_second_waits_and_one_value_stays(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    one, two = sessions(), sessions()
    one.begin(lambda conn: calls.set_labels(conn, [instance], {"team": "one"}))
    waiting = two.call_blocked(lambda conn: calls.set_labels(conn, [instance], {"team": "two"}))
    one.commit()
    assert [each.outcome for each in waiting.result()] == ["done"]
    assert labels(play, instance) == {"team": "two"}
    assert play.value("select count(*) from onceflow.search_values") == 1


def test_they_go_when_their_week_is_dropped(conn: Connection) -> None:
    play = Play(conn)
    make_week(conn, NOW - timedelta(weeks=10))
    dropped, kept = play.begin(sequence("a")), play.start("flow")
    calls.set_labels(conn, [dropped, kept], {"team": "x"})
    play.complete(dropped, "a")
    old = age(conn, dropped, NOW - timedelta(weeks=10))
    conn.execute("update onceflow.instance set ended_at = %s where id = %s", (NOW, old))
    drop_all(conn, NOW + timedelta(seconds=1))
    assert play.rows("select instance_id from onceflow.search_values") == [(kept,)]


def test_what_one_costs_does_not_grow_with_others_that_have_the_same(conn: Connection) -> None:
    play = Play(conn)
    play.deploy(sequence("a"))
    instance = play.start("flow")
    parameters = {"ids": [instance]}
    put = Query('select * from onceflow.set_labels(%(ids)s::uuid[], \'{"team": "x"}\')', parameters)
    read = Query("select labels from onceflow.instances where id = any (%(ids)s)", parameters)

    def blocks(asked: Query) -> int:
        conn.execute("analyze onceflow.search_value")
        plan: dict[str, Json] = {}
        for _ in range(2):  # the second plans nothing
            with conn.transaction(force_rollback=True):
                plan = explain(conn, asked)
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    few = blocks(put), blocks(read)
    inputs: list[Json] = [{}] * 3000
    calls.start_instances(conn, "flow", inputs, labels=[{"team": "x"}] * 3000)
    assert blocks(put) <= few[0] + 15
    assert blocks(read) <= few[1] + 5
