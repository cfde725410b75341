"""The kinds of steps that need no worker, and steps after whose failure the instance goes on."""

from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.definition import compile_definition

from ..play import Json, Play

WORK = {"task": "work"}


def begin(play: Play, *steps: dict[str, Any], given: Json = None, **more: Any) -> UUID:
    """Start an instance of these steps; further arguments are keys of the workflow."""
    definition = {"name": "flow", "steps": list(steps), **more}
    calls.register_workflow(play.conn, compile_definition(definition))
    return calls.start_instances(play.conn, "flow", [given or {}])[0].instance_id


def ended(play: Play, instance: UUID, task: str) -> tuple[Any, ...]:
    """Return what is told of a row that has ended."""
    row = play.task(instance, task, "open", "state", "attempts", "queue", "input", "output")
    assert row[0] is False
    return row[1:]


# set


def test_a_set_succeeds_at_once_with_its_value_and_passes_on(play: Play) -> None:
    value = {"order": "$.input.order", "twice": ["$.input.order", 1]}
    instance = begin(
        play,
        {"id": "a", "set": value},
        {"id": "b", "set": {"again": "$.steps.a.output.order"}},
        {"id": "c", **WORK, "with": {"x": "$.steps.b.output.again"}},
        given={"order": 7},
    )
    assert ended(play, instance, "a") == (
        "SUCCEEDED", 0, None, None, {"order": 7, "twice": [7, 1]},
    )  # fmt: skip
    assert play.take(instance, "c").input == {"x": 7}
    assert play.rows(
        "select task, state, attempt from onceflow.transitions"
        f" where instance_id = '{instance}' and task in ('a', 'b') order by seq, n"
    ) == [("a", "SUCCEEDED", 0), ("b", "SUCCEEDED", 0)]


@pytest.mark.parametrize("value", [None, 0, "text", [], {"a": None}])
def test_a_value_without_expressions_may_be_anything(play: Play, value: Json) -> None:
    instance = begin(play, {"id": "a", "set": value}, output="$.steps.a.output")
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", value)
    assert calls.check_instances(play.conn) == []


def test_between_tasks_it_costs_no_trip_and_what_follows_is_handed_off(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", **WORK},
        {"id": "b", "set": "$.steps.a.output.n"},
        {"id": "c", **WORK, "with": {"n": "$.steps.b.output"}},
    )
    _, granted = play.worker.complete_and_take(play.take(instance, "a"), output={"n": 5})
    assert [(grant.task, grant.input) for grant in granted] == [("c", {"n": 5})]


def test_it_goes_into_joins_and_out_of_forks(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", "set": 1, "needs": []},
        {"id": "b", "set": 2, "needs": []},
        {"id": "c", "set": ["$.steps.a.output", "$.steps.b.output"], "needs": ["a", "b"]},
        output="$.steps.c.output",
    )
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", [1, 2])
    assert calls.check_instances(play.conn) == []


def test_its_condition_skips_it(play: Play) -> None:
    instance = begin(play, {"id": "a", "set": 1, "when": "$.input.yes"}, given={"yes": False})
    assert play.state(instance, "a") == "SKIPPED"


def test_it_goes_on_under_an_operators_suspension(play: Play) -> None:
    instance = begin(play, {"id": "a", **WORK}, {"id": "b", "set": 1}, {"id": "c", **WORK})
    grant = play.take(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    play.worker.complete(grant)
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "READY"}


def redrive(play: Play, instance: UUID, task: str, value: Json = None) -> tuple[str, str]:
    """Redrive a dead letter and return the outcome with its detail."""
    (decided,) = calls.redrive_dead_letters(play.conn, [Key(instance, task)], [value])
    return decided.outcome, decided.detail


def test_one_whose_expression_fails_is_redriven_with_the_value_and_passes_on(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", "set": "$.input.order.id"},
        {"id": "b", "set": ["$.steps.a.output"]},
        on_failure="suspend",
        output="$.steps.b.output",
    )
    assert play.task(instance, "a", "error ->> 'code'", "error ->> 'place'") == (
        "expression", "value",
    )  # fmt: skip
    (because,) = [b for b in calls.explain_instance(play.conn, instance) if b.task == "a"]
    assert because.because.endswith(
        "redrive it with the value that its expression should have given"
    )
    assert play.rows("select takes from onceflow.dead_letters") == [("value",)]
    assert redrive(play, instance, "a") == (
        "refused", "its expression failed: give the value that it should have given",
    )  # fmt: skip
    assert redrive(play, instance, "a", "O-1") == ("done", "it goes on with that")
    assert ended(play, instance, "a") == ("SUCCEEDED", 0, None, None, "O-1")
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", ["O-1"])
    assert play.log(instance, "a") == ["DEAD_LETTER", "SUCCEEDED"]
    assert calls.check_instances(play.conn) == []


def test_one_whose_condition_fails_is_redriven_with_true_or_false(play: Play) -> None:
    steps: list[dict[str, Any]] = [
        {"id": "a", "needs": [], "set": "$.input.n", "when": "$.input.none"},
        {"id": "b", "needs": [], "set": 1, "when": "$.input.none"},
        {"id": "c", "needs": [], "set": "$.input.none", "when": "$.input.none"},
    ]
    instance = begin(play, *steps, on_failure="suspend", given={"n": 7})
    assert redrive(play, instance, "a", "true") == (
        "refused", "its condition failed: give what it should have given, true or false",
    )  # fmt: skip
    assert {redrive(play, instance, "a", True), redrive(play, instance, "b", False)} == {
        ("done", "it goes on with that")
    }
    assert ended(play, instance, "a")[-1] == 7
    assert play.state(instance, "b") == "SKIPPED"
    # What stands behind it is evaluated, and may fail in its turn.
    assert redrive(play, instance, "c", True)[0] == "done"
    assert play.task(instance, "c", "state", "error ->> 'place'") == ("DEAD_LETTER", "value")
    assert redrive(play, instance, "c", 3)[0] == "done"
    assert play.instance(instance, "state", "suspended_by") == ("SUCCEEDED", None)
    assert calls.check_instances(play.conn) == []


def test_what_a_redrive_gives_goes_on_under_an_operators_suspension(play: Play) -> None:
    instance = begin(
        play, {"id": "a", "set": "$.input.x"}, {"id": "b", **WORK}, on_failure="suspend"
    )
    calls.suspend_instances(play.conn, [instance])
    assert redrive(play, instance, "a", 1)[0] == "done"
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "READY"}


def test_what_cannot_be_kept_is_refused_as_a_value(play: Play) -> None:
    instance = begin(play, {"id": "a", "set": "$.input.x"}, on_failure="suspend")
    outcome, detail = redrive(play, instance, "a", "x" * 1_100_000)
    assert (outcome, "cannot be kept" in detail) == ("refused", True)


# output


def begin_failing_output(play: Play, on_failure: str = "compensate") -> UUID:
    instance = begin(
        play,
        {"id": "a", **WORK, "compensate": {"task": "undo"}},
        output="$.steps.a.output.none",
        on_failure=on_failure,
    )
    play.complete(instance, "a", output={})
    return instance


@pytest.mark.parametrize("policy", ["compensate", "fail", "suspend"])
def test_an_output_that_fails_is_a_dead_letter_and_the_work_stays(play: Play, policy: str) -> None:
    instance = begin_failing_output(play, policy)
    assert play.states(instance) == {"a": "SUCCEEDED", "workflow.output": "DEAD_LETTER"}
    assert play.instance(instance, "state", "suspended_by") == ("RUNNING", "dead_letter")
    (because,) = [b for b in calls.explain_instance(play.conn, instance) if b.task]
    assert because.task == "workflow.output"
    assert calls.check_instances(play.conn) == []


def test_its_redrive_or_skip_gives_what_the_instance_gives(play: Play) -> None:
    instance = begin_failing_output(play)
    assert redrive(play, instance, "workflow.output", {"by": "hand"})[0] == "done"
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", {"by": "hand"})
    instance = begin_failing_output(play)
    calls.skip_dead_letters(play.conn, [Key(instance, "workflow.output")], [5])
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", 5)
    assert calls.check_instances(play.conn) == []


@pytest.mark.parametrize(
    ("policy", "end"),
    [("compensate", "COMPENSATING"), ("fail", "FAILED"), ("suspend", "COMPENSATING")],
)
def test_discarded_the_policy_acts(play: Play, policy: str, end: str) -> None:
    instance = begin_failing_output(play, policy)
    calls.discard_dead_letters(play.conn, [Key(instance, "workflow.output")])
    assert play.instance(instance, "state", "error ->> 'code'", "error ->> 'task'") == (
        end, "expression", "workflow.output",
    )  # fmt: skip


def test_while_it_waits_a_cancel_undoes_the_work(play: Play) -> None:
    instance = begin_failing_output(play)
    calls.cancel_instances(play.conn, [instance])
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "CANCELLED"


# fail


def test_a_fail_closes_the_instance_with_its_error(play: Play) -> None:
    error = {
        "code": "order.too_old",
        "message": "order ${ $.input.order } is too old",
        "detail": ["$.input.order"],
    }
    instance = begin(
        play,
        {"id": "a", **WORK, "compensate": {"task": "undo"}},
        {"id": "b", "fail": error},
        {"id": "c", **WORK},
        given={"order": 7},
    )
    play.complete(instance, "a")
    told = {"code": "order.too_old", "message": "order 7 is too old", "detail": [7]}
    assert play.task(instance, "b", "state", "open", "attempts", "error") == (
        "DEAD_LETTER", False, 0, told,
    )  # fmt: skip
    assert play.instance(instance, "state", "error") == ("COMPENSATING", told | {"task": "b"})
    play.complete(instance, "a.compensate")
    assert play.instance(instance, "state") == ("COMPENSATED",)
    assert "c" not in play.states(instance)


def test_its_condition_lets_it_pass(play: Play) -> None:
    fail = {"id": "a", "fail": {"code": "no"}, "when": "$.input.n > 3"}
    assert play.instance(begin(play, fail, given={"n": 1}), "state") == ("SUCCEEDED",)
    assert play.instance(begin(play, fail, given={"n": 4}), "state") == ("COMPENSATED",)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"code": "no"}, {"code": "no", "message": "the workflow says so"}),
        ({"code": "${ $.input.n }", "message": "$.input"}, {"code": "7", "message": '{"n": 7}'}),
        ({"code": "$.input.none"}, {"code": "expression"}),
    ],
)
def test_code_and_message_become_texts(play: Play, value: Json, told: dict[str, Any]) -> None:
    instance = begin(play, {"id": "a", "fail": value}, on_failure="fail", given={"n": 7})
    state, error = play.instance(instance, "state", "error")
    assert state == "FAILED"
    assert {key: error[key] for key in told} == told


def test_suspending_it_waits_for_a_person_who_discards_it(play: Play) -> None:
    instance = begin(play, {"id": "a", "fail": {"code": "no"}, "on_failure": "suspend"})
    assert play.instance(instance, "suspended_by") == ("dead_letter",)
    calls.discard_dead_letters(play.conn, [Key(instance, "a")])
    assert play.instance(instance, "state") == ("COMPENSATED",)


def test_redriven_with_another_error_it_is_judged_anew(play: Play) -> None:
    instance = begin(play, {"id": "a", "fail": {"code": "$.input.none"}}, on_failure="suspend")
    assert redrive(play, instance, "a", {"message": "no code"})[0] == "refused"
    assert redrive(play, instance, "a", {"code": "other", "message": "so it is"})[0] == "done"
    assert play.task(instance, "a", "state", "open", "error ->> 'code'") == (
        "DEAD_LETTER", True, "other",
    )  # fmt: skip
    assert play.instance(instance, "suspended_by") == ("dead_letter",)


# on_failure: continue


def test_the_instance_goes_on_with_the_default(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", **WORK, "on_failure": "continue", "default": {"n": 0}},
        {
            "id": "b",
            **WORK,
            "with": {
                "n": "$.steps.a.output.n",
                "state": "$.steps.a.state",
                "code": "$.steps.a.error.code",
            },
        },
    )
    grant = play.take(instance, "a")
    play.worker.fail(grant, retryable=False, code="http.404")
    row = play.task(instance, "a", "state", "open", "output")
    assert row == ("FAILED", False, {"n": 0})
    assert play.rows("select kind from onceflow.outbox where kind = 'dead_letter'") == []
    following = play.take(instance, "b")
    assert following.input == {"n": 0, "state": "FAILED", "code": "http.404"}
    play.worker.complete(following)
    assert play.instance(instance, "state", "error") == ("SUCCEEDED", None)
    assert calls.check_instances(play.conn) == []


def test_without_a_default_its_output_is_null_and_joins_count_it(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", **WORK, "needs": [], "on_failure": "continue"},
        {"id": "b", **WORK, "needs": []},
        {"id": "c", **WORK, "needs": ["a", "b"], "with": {"a": "$.steps.a.output"}},
    )
    play.fail(instance, "a")
    assert calls.check_instances(play.conn) == []
    play.complete(instance, "b")
    assert play.take(instance, "c").input == {"a": None}


def test_it_is_retried_first(play: Play) -> None:
    retry = {"attempts": 2, "backoff": "1s"}
    instance = begin(play, {"id": "a", **WORK, "on_failure": "continue", "retry": retry})
    play.worker.fail(play.take(instance, "a"))
    assert play.state(instance, "a") == "RETRYING"


def test_an_expression_that_fails_is_such_a_failure_too(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", **WORK, "with": {"x": "$.input.none"}, "on_failure": "continue", "default": 1},
        {"id": "b", "set": "$.input.none", "on_failure": "continue", "default": 2},
        {"id": "c", "fail": {"code": "no"}, "on_failure": "continue", "default": 3},
        output=["$.steps.a.output", "$.steps.b.output", "$.steps.c.output"],
    )
    assert play.states(instance) == {"a": "FAILED", "b": "FAILED", "c": "FAILED"}
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", [1, 2, 3])
    assert calls.check_instances(play.conn) == []


def test_what_may_have_happened_is_undone_when_the_instance_fails_later(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", **WORK, "on_failure": "continue", "compensate": {"task": "undo"}},
        {"id": "b", **WORK},
    )
    play.worker.fail(play.take(instance, "a"), retryable=False, unknown=True)
    play.fail(instance, "b")
    assert play.states(instance)["a.compensate"] == "QUEUED"


def test_failures_of_one_call_are_each_judged_by_their_own_step(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", **WORK, "needs": [], "on_failure": "continue"},
        {"id": "b", **WORK, "needs": []},
        {"id": "c", **WORK, "needs": ["a"]},
    )
    play.worker.fail(*play.worker.claim_all(), retryable=False)
    assert play.states(instance) == {"a": "FAILED", "b": "DEAD_LETTER"}
    assert play.instance(instance, "state") == ("COMPENSATED",)


def test_in_an_instance_that_closes_nothing_goes_on(play: Play) -> None:
    instance = begin(
        play, {"id": "a", **WORK, "on_failure": "continue", "default": 1}, {"id": "b", **WORK}
    )
    grant = play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    play.worker.fail(grant, retryable=False)
    assert play.states(instance) == {"a": "CANCELLED"}
    assert play.instance(instance, "state") == ("CANCELLED",)
