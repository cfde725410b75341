"""start_instances"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import NotFound

from ...play import Play, pass_time, take_messages
from ...workflows import Step, diamond, fields, path, sequence, value, workflow


def test_an_instance_is_started_for_each_input_in_their_order(play: Play) -> None:
    play.deploy(sequence("a"))
    started = calls.start_instances(play.conn, "flow", [{"n": n} for n in range(5)])
    assert [s.outcome for s in started] == ["started"] * 5
    assert [play.instance(s.instance_id, "input") for s in started] == [
        ({"n": n},) for n in range(5)
    ]


# guarantee: alone-message
def test_the_first_steps_are_queued_each_with_one_message_that_names_it_alone(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b", queue="other"), Step("c", ("a", "b"))))
    assert play.states(instance) == {"a": "QUEUED", "b": "QUEUED"}
    rows = play.rows("select kind, topic, key, value::jsonb from onceflow.outbox order by topic")
    assert rows == [
        ("task", "default", str(instance), {"instance": str(instance), "task": "a"}),
        ("task", "other", str(instance), {"instance": str(instance), "task": "b"}),
    ]


def test_what_stands_in_a_block_does_not_begin_with_the_instance(play: Play) -> None:
    undo = {"task": "undo"}
    inside = {"id": "x", "steps": [{"id": "b", "task": "work", "compensate": undo}]}
    steps = [{"id": "a", "task": "work"}, inside]
    play.deploy(compile_definition({"name": "flow", "steps": steps}))
    assert play.states(play.start("flow")) == {"a": "QUEUED"}


def test_the_log_begins_with_the_instance_itself(play: Play) -> None:
    instance = play.begin(sequence("a"))
    log = play.rows(
        "select seq, n, task, attempt, state from onceflow.transitions where instance_id = %s"
        " order by seq, n",
        instance,
    )
    assert log == [(1, 1, None, None, "RUNNING"), (1, 2, "a", 0, "QUEUED")]


def test_no_inputs_start_nothing(play: Play) -> None:
    play.deploy(sequence("a"))
    assert calls.start_instances(play.conn, "flow", []) == []
    assert take_messages(play.conn) == []


def test_the_latest_version_is_started_unless_one_is_named(play: Play) -> None:
    play.deploy(sequence("a"))
    play.deploy(sequence("b"))
    (latest,) = calls.start_instances(play.conn, "flow", [{}])
    (named,) = calls.start_instances(play.conn, "flow", [{}], version=1)
    assert play.states(latest.instance_id).keys() == {"b"}
    assert play.states(named.instance_id).keys() == {"a"}


@pytest.mark.parametrize(("name", "version"), [("none", None), ("flow", 2), ("flow", 0)])
def test_a_workflow_or_version_that_is_not_there_is_not_found(
    play: Play, name: str, version: int | None
) -> None:
    play.deploy(sequence("a"))
    with pytest.raises(NotFound):
        calls.start_instances(play.conn, name, [{}], version=version)


@pytest.mark.parametrize(
    ("inputs", "keys"),
    [
        ("null::jsonb[]", "null"),
        ("array['{}', '{}']::jsonb[]", "array['k']"),
        ("array['{}']::jsonb[]", "array['k', 'l']"),
        ("array['{}']::jsonb[]", "null, null, array[]::uuid[]"),
        ("array['{}', '{}']::jsonb[]", "null, null, array[gen_random_uuid()]"),
    ],
)
def test_arrays_that_differ_in_length_are_refused(play: Play, inputs: str, keys: str) -> None:
    play.deploy(sequence("a"))
    with pytest.raises(Exception, match="differ in number") as refused:
        play.rows(f"select * from onceflow.start_instances('flow', {inputs}, {keys})")
    assert getattr(refused.value, "sqlstate", None) == "WF002"
    assert play.value("select count(*) from onceflow.instances") == 0


@pytest.mark.parametrize(
    ("sent", "key", "code"),
    [
        ("'[]'", "null", "invalid_input"),
        ("'\"text\"'", "null", "invalid_input"),
        ("'null'", "null", "invalid_input"),
        ("null", "null", "invalid_input"),
        ("'{}'", "''", "invalid_key"),
        ("'{}'", "repeat('k', 256)", "invalid_key"),
        ("jsonb_build_object('x', repeat('x', 1048577))", "null", "too_large"),
    ],
)
def test_of_a_set_an_invalid_item_is_told_so_and_the_others_are_started(
    play: Play, sent: str, key: str, code: str
) -> None:
    play.deploy(sequence("a"))
    rows = play.rows(
        "select outcome, instance_id is null, state, error ->> 'code', error ->> 'message' > ''"
        f" from onceflow.start_instances('flow', array['{{}}', {sent}, '{{}}']::jsonb[],"
        f" array['k', {key}, null])"
    )
    started = ("started", False, "RUNNING", None, None)
    assert rows == [started, ("invalid", True, None, code, True), started]
    assert play.value("select count(*) from onceflow.instances") == 2
    assert len(take_messages(play.conn)) == 2


def test_a_deadline_counts_from_the_start_by_the_clock_of_timers(play: Play) -> None:
    pass_time(play.conn, "1 day")
    instance = play.begin(sequence("a", deadline=90))
    started_at, deadline_at = play.instance(instance, "started_at", "deadline_at")
    assert deadline_at - started_at == timedelta(seconds=90)
    assert started_at - datetime.now(UTC) > timedelta(hours=23)


def test_where_every_step_is_skipped_the_instance_has_succeeded_at_once(play: Play) -> None:
    no = value(False)
    instance = play.begin(
        workflow(Step("a", when=no), Step("b", ("a",), when=no), output=value({"done": True}))
    )
    assert play.states(instance) == {"a": "SKIPPED", "b": "SKIPPED"}
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", {"done": True})
    assert take_messages(play.conn) == []


def test_a_step_skipped_by_its_own_when_lets_what_follows_go_on(play: Play) -> None:
    step = Step("a", when=path("$.input.wanted"))
    instance = play.begin(workflow(step, Step("b", ("a",))), {"wanted": False})
    assert play.states(instance) == {"a": "SKIPPED", "b": "QUEUED"}
    assert play.task(instance, "a", "reason") == ("when",)


@pytest.mark.parametrize("given", [True, 0, "", "false", {}, []])
def test_a_when_that_gives_anything_but_false_or_null_runs_the_step(play: Play, given: Any) -> None:
    instance = play.begin(workflow(Step("a", when=path("$.input.x"))), {"x": given})
    assert play.states(instance) == {"a": "QUEUED"}


@pytest.mark.parametrize("given", [False, None])
def test_a_when_that_gives_false_or_null_skips_the_step(play: Play, given: Any) -> None:
    instance = play.begin(workflow(Step("a", when=path("$.input.x"))), {"x": given})
    assert play.states(instance) == {"a": "SKIPPED"}


def test_the_input_of_a_step_is_evaluated_when_it_is_due_and_without_with_it_is_empty(
    play: Play,
) -> None:
    tree = fields(who=path("$.input.who"), id=path("$.instance.id"), v=path("$.instance.version"))
    instance = play.begin(workflow(Step("a", input=tree), Step("b")), {"who": "Ana"})
    assert play.task(instance, "a", "input") == ({"who": "Ana", "id": str(instance), "v": 1},)
    assert play.task(instance, "b", "input") == ({},)


# guarantee: expression-fails-all
def test_an_input_that_fails_a_first_step_fails_its_own_instance_and_no_other(play: Play) -> None:
    play.deploy(workflow(Step("a", input=path("$.input.who"))))
    inputs = [{"who": n} if n != 5 else {} for n in range(11)]
    started = calls.start_instances(play.conn, "flow", inputs)
    states = [play.state(s.instance_id) for s in started]
    assert states == ["RUNNING"] * 5 + ["COMPENSATED"] + ["RUNNING"] * 5
    failed = started[5].instance_id
    task = play.task(failed, "a", "state", "attempts", "input", "error ->> 'code'")
    assert task == ("DEAD_LETTER", 0, None, "expression")
    assert play.instance(failed, "error ->> 'task'") == ("a",)


def test_an_input_that_evaluates_to_more_than_a_payload_may_hold_is_the_steps_own_failure(
    play: Play,
) -> None:
    big = fields(x=path("$.input.x"), y=path("$.input.x"))
    play.deploy(workflow(Step("a", input=big), on_failure="suspend"))
    large, small = calls.start_instances(play.conn, "flow", [{"x": "x" * 600_000}, {"x": "x"}])
    assert play.task(large.instance_id, "a", "state", "error ->> 'code'") == (
        "DEAD_LETTER",
        "too_large",
    )
    assert play.state(small.instance_id, "a") == "QUEUED"


def test_a_start_inside_a_transaction_that_rolls_back_leaves_nothing(play: Play) -> None:
    play.deploy(diamond())
    with play.conn.transaction(force_rollback=True):
        calls.start_instances(play.conn, "flow", [{}], ["k"])
    assert play.value("select count(*) from onceflow.instances") == 0
    (again,) = calls.start_instances(play.conn, "flow", [{"other": 1}], ["k"])
    assert again.outcome == "started"


# Later
