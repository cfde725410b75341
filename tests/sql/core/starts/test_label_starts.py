"""label_starts: which labels instances start with, whoever starts them."""

from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls.reads import InstanceFilter, json_rows, list_instances
from onceflow.engine.calls.search import by_labels
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import BadArgument
from onceflow.engine.ids import make_ids

from ... import schedules
from ...play import Play
from ...topics import faults, open_at, record, started_by_topic, take
from ...workflows import path, sequence
from ..children.support import Family, deliver

Json = Any
OF_INPUT = {"customer": "$.input.customer"}


def deploy(play: Play, labels: Json, name: str = "w", **more: Json) -> None:
    step = {"id": "a", "task": "work"}
    play.deploy(compile_definition({"name": name, "labels": labels, "steps": [step], **more}))


def labels_of(play: Play, instance: UUID | None) -> Json:
    return play.value("select labels from onceflow.instances where id = %s", instance)


def found(play: Play, **labels: str) -> list[str]:
    wanted = InstanceFilter(fields=by_labels(labels))
    return [row["id"] for row in json_rows(play.conn, list_instances("id", wanted, 100))]


def start(play: Play, given: Json, labels: Json = None, **more: Any) -> calls.Started:
    (started,) = calls.start_instances(play.conn, "w", [given], labels=[labels], **more)
    return started


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("billing", "billing"),
        ("$.input.name", "ACME \\ 'S.A.'"),
        ("${ $.input.name | lower } no. ${ $.input.number }", "acme \\ 's.a.' no. 7.50"),
        ("$.input.number", "7.5"),
        ("$.input.paid", "true"),
        ("$.input.nothing", None),
        ('$.input.missing | default("-")', "-"),
        ("$.input.missing | default(null)", None),
        ("$.instance.workflow", "w"),
        ("$.instance.version", "1"),
        ("$.instance.trigger", None),
        ("$.instance.parent", None),
        (12, "12"),
        (None, None),
        ("", ""),
    ],
)
def test_a_label_is_the_text_of_what_its_expression_gives(
    play: Play, expression: Json, text: str | None
) -> None:
    deploy(play, {"x": expression})
    raw = '{"name": "ACME \\\\ \'S.A.\'", "number": 7.50, "paid": true, "nothing": null}'
    (row,) = play.rows(
        "select instance_id from onceflow.start_instances('w', array[%s::jsonb])", raw
    )
    assert labels_of(play, row[0]) == ({} if text is None else {"x": text})


def test_those_of_the_start_go_over_those_of_the_definition(play: Play) -> None:
    deploy(play, {"customer": "$.input.customer", "team": "billing", "region": "eu"})
    one = start(play, {"customer": "ACME"}, {"team": "sales", "region": None, "n": 1.0, "ok": True})
    told = {"customer": "ACME", "team": "sales", "n": "1", "ok": "true"}
    assert labels_of(play, one.instance_id) == told
    other = start(play, {"customer": "ACME"})
    assert found(play, customer="ACME") == [str(other.instance_id), str(one.instance_id)]
    assert found(play, customer="ACME", team="sales") == [str(one.instance_id)]
    assert found(play, n="1.00") == [str(one.instance_id)]
    assert found(play, team="nobody") == []


def test_a_definition_without_labels_takes_those_of_the_start(play: Play) -> None:
    play.deploy(sequence("a", name="w"))
    assert labels_of(play, start(play, {}, {"customer": "ACME"}).instance_id) == {
        "customer": "ACME"
    }
    assert labels_of(play, start(play, {}).instance_id) == {}


def test_a_label_is_no_field_of_the_input(play: Play) -> None:
    deploy(play, OF_INPUT, search=["$.input.customer"])
    labelled = start(play, {"customer": "ACME"}, {"customer": "other"}).instance_id
    by_field = InstanceFilter(fields={"customer": "ACME"})
    (row,) = json_rows(play.conn, list_instances("id", by_field, 10))
    assert row["id"] == str(labelled)
    assert found(play, customer="ACME") == []
    assert found(play, customer="other") == [str(labelled)]


# guarantee: labels-untold
def test_one_whose_labels_cannot_be_told_starts_nothing_and_keeps_no_other(play: Play) -> None:
    deploy(play, OF_INPUT)
    inputs = [{"customer": "A"}, {}, {"customer": ["A"]}, {"customer": "ż" * 128}, {"customer": 1}]
    answers = calls.start_instances(play.conn, "w", inputs)
    assert [one.outcome for one in answers] == ["started", *["invalid"] * 3, "started"]
    missing, array, long = (one.error or {} for one in answers[1:4])
    assert {missing["code"], array["code"], long["code"]} == {"labels"}
    assert missing["message"].startswith(
        "labels: those of the definition cannot be told: $.input.customer: "
    )
    assert missing["message"].endswith("$.input.customer | default(…)")
    assert array["faults"] == [
        {
            "place": "/customer",
            "message": "is an array; a label is a text, a number, true or false, or null for none",
        }
    ]
    assert long["message"] == "labels/customer: has 256 bytes, and 255 are the most"
    assert play.value("select count(*) from onceflow.instances") == 2


@pytest.mark.parametrize(
    ("labels", "place", "message"),
    [
        (["a"], "", "is no object of names and values"),
        ("a", "", "is no object of names and values"),
        ({f"a{n}": n for n in range(33)}, "", "has 33 labels, and 32 are the most"),
        ({"Customer": "x"}, "/Customer", "the name of a label is a small letter"),
        ({"a": 1, "b/~": "x"}, "/b~1~0", "the name of a label is a small letter"),
        ({"a\n": "x"}, "/a\n", "the name of a label is a small letter"),
        ({"a" * 65: "x"}, "/" + "a" * 65, "the name of a label is a small letter"),
        ({"": "x"}, "/", "the name of a label is a small letter"),
        ({"a": {}}, "/a", "is an object"),
        ({"a": "x" * 256}, "/a", "has 256 bytes, and 255 are the most"),
        ({"a": 10**300}, "/a", "has 301 bytes, and 255 are the most"),
    ],
)
def test_what_is_no_label_is_refused_with_its_place(
    play: Play, labels: Json, place: str, message: str
) -> None:
    play.deploy(sequence("a", name="w"))
    refused = start(play, {}, labels)
    assert (refused.found, refused.outcome) == (None, "invalid")
    (fault,) = (refused.error or {})["faults"]
    assert fault["place"] == place
    assert fault["message"].startswith(message)


def test_as_many_as_are_allowed_are_kept(play: Play) -> None:
    deploy(play, {f"a{n}": "x" for n in range(16)})
    given = {f"b{n}": "ż" * 127 for n in range(16)}
    assert len(labels_of(play, start(play, {}, given).instance_id)) == 32
    over = start(play, {}, {**given, "c": 1})
    assert (over.error or {})["message"] == "labels: has 33 labels, and 32 are the most"


# guarantee: labels-repeated
def test_a_start_that_is_repeated_changes_no_label(play: Play) -> None:
    play.deploy(sequence("a", name="w"))
    (first, again) = calls.start_instances(
        play.conn, "w", [{}, {}], ["k", "k"], labels=[{"a": 1}, {"a": 2, "b": 1}]
    )
    assert (first.outcome, again.outcome) == ("started", "exists")
    assert start(play, {}, {"a": 3}, keys=["k"]).outcome == "exists"
    assert labels_of(play, first.instance_id) == {"a": "1"}
    (made,) = make_ids(1)
    twice = calls.start_instances(
        play.conn, "w", [{}, {}], ids=[made, made], labels=[{"a": 1}, {"a": 2}]
    )
    assert [one.outcome for one in twice] == ["started", "exists"]
    assert labels_of(play, made) == {"a": "1"}


def test_as_many_labels_as_inputs_are_given_or_none(play: Play) -> None:
    play.deploy(sequence("a", name="w"))
    with pytest.raises(BadArgument, match="inputs and labels differ in number: 2 and 1"):
        calls.start_instances(play.conn, "w", [{}, {}], labels=[{"a": 1}])


def test_a_signal_with_a_start_brings_labels(play: Play) -> None:
    deploy(play, OF_INPUT)
    both = calls.signal_with_start(
        play.conn, "w", {"customer": "A"}, "k", calls.StartSignal("go"), labels={"team": "b"}
    )
    assert labels_of(play, both.started.instance_id) == {"customer": "A", "team": "b"}


def test_an_instance_that_a_schedule_starts_has_the_labels_of_its_definition(play: Play) -> None:
    schedules.set_time(play, schedules.NOON)
    deploy(
        play,
        {"by": "$.instance.trigger", "day": "${ $.instance.scheduled_at | slice(0, 10) }"},
        on=[{"id": "s", "schedule": {"every": "1m"}}],
    )
    schedules.turn(play)
    schedules.pass_minutes(play, 1)
    (instance,) = play.row("select id from onceflow.instances")
    assert labels_of(play, instance) == {"by": "s", "day": "2026-03-02"}


def test_a_schedule_whose_labels_cannot_be_told_is_refused_and_says_why(play: Play) -> None:
    schedules.set_time(play, schedules.NOON)
    deploy(play, OF_INPUT, on=[{"id": "s", "schedule": {"every": "1m"}}])
    schedules.turn(play)
    schedules.pass_minutes(play, 1)
    state, error = play.row("select state, error from onceflow.schedule_runs")
    assert (state, error["code"]) == ("refused", "labels")


def test_a_record_of_a_topic_whose_labels_cannot_be_told_is_not_lost(play: Play) -> None:
    play.deploy({**started_by_topic(), "labels": {"o": {"order": path("$.input.id")}}})
    open_at(play.conn)
    take(play.conn, 0, [record(0, {"id": "A"}), record(1, {"other": "B"})])
    assert play.rows("select labels from onceflow.instances") == [({"order": "A"},)]
    assert list(faults(play.conn)) == [1]
    assert "labels: those of the definition cannot be told" in faults(play.conn)[1]


def test_a_child_has_the_labels_of_its_own_definition_alone(play: Play) -> None:
    ship = {"id": "ship", "workflow": "pack", "with": {"box": "$.input.box"}}
    deploy(play, {"box": "$.input.box", "of": "$.instance.parent"}, "pack")
    run = Family(play, ship, given={"box": 7, "customer": "A"}, labels=OF_INPUT)
    deliver(play)
    (child,) = run.children()
    assert labels_of(play, child) == {"box": "7", "of": str(run.parent)}
    assert labels_of(play, run.parent) == {"customer": "A"}


# guarantee: labels-of-child
@pytest.mark.parametrize("more", [{}, {"detach": True}])
def test_a_child_whose_labels_cannot_be_told_fails_its_step(play: Play, more: Json) -> None:
    deploy(play, OF_INPUT, "pack")
    run = Family(play, {"id": "ship", "workflow": "pack", "with": {}, **more})
    deliver(play)
    assert run.error()["code"] == "workflow.labels"
    assert play.state(run.parent, "ship") == "DEAD_LETTER"
    assert play.value("select count(*) from onceflow.instances") == 1


def test_who_has_no_labels_has_no_row(play: Play) -> None:
    play.deploy(sequence("a", name="w"))
    calls.start_instances(play.conn, "w", [{}], labels=[{}])
    calls.start_instances(play.conn, "w", [{}], labels=[{"a": None}])
    assert play.rows("select * from onceflow.search_values") == []
