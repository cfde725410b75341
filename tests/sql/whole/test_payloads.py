"""What may be kept and handed on: measured as JSON text, at every door."""

import re
import time
from typing import Any

import msgspec
import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import BadArgument

from ..play import Play, execute, take_messages
from ..workflows import Step, fields, path, sequence, workflow

HUGE = '{"a": {"b/c": [1, 1e131071]}}'
MANY = '{"a": [' + ",".join(["1e131071"] * 9000) + "]}"
ZEROS = '{"a": [' + ",".join(["0e-16383"] * 9000) + "]}"
DEEP = '{"a": ' + "[" * 129 + "]" * 129 + "}"
LONG = '{"a": "' + "x" * (1024 * 1024) + '"}'


def fault(play: Play, text: str) -> str | None:
    return play.value("select onceflow.payload_fault(%s::text::jsonb)", text)


REFUSED = {
    "number": (HUGE, "/a/b~1c/1 is a number of more than 1000 digits"),
    "numbers": (MANY, "/a/0 is a number of more than 1000 digits"),
    "zeros": (ZEROS, "/a/0 is a number of more than 1000 digits"),
    "fraction": ('{"a": 1e-1001}', "/a is a number of more than 1000 digits"),
    "alone": ("1e1000", "it is a number of more than 1000 digits"),
    "deep": (DEEP, "is nested deeper than 128 levels"),
    "long": (LONG, "it has 1048585 bytes as JSON text, and 1048576 are allowed"),
    "sum": ("[" + ",".join(["1e900"] * 2000) + "]", "as JSON text, and 1048576 are allowed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_kept_is_told_and_not_made(play: Play, name: str) -> None:
    text, said = REFUSED[name]
    began = time.perf_counter()
    assert said in (fault(play, text) or "")
    assert time.perf_counter() - began < 5


def test_the_length_of_the_text_counts_and_not_what_is_stored(play: Play) -> None:
    ones = "[" + "1, " * 349_524 + "1]"
    assert play.value("select pg_column_size(%s::text::jsonb)", ones) > 4_000_000
    assert fault(play, ones) is None
    assert fault(play, ones[:-1] + ",1]") is not None
    assert fault(play, '{"a": [1e999, 1.5e-999, -0.5, "1e131071"]}') is None


@pytest.mark.parametrize("name", ["number", "numbers", "deep", "long"])
def test_an_input_that_cannot_be_kept_starts_nothing(play: Play, name: str) -> None:
    text = REFUSED[name][0]
    play.deploy(sequence("a"))
    one, other = calls.start_instances(play.conn, "flow", [{}, text.encode()])
    assert (one.outcome, other.outcome) == ("started", "invalid")
    assert other.error is not None
    assert other.error["code"] == "too_large"
    assert "the input cannot be kept" in other.error["message"]
    assert play.value("select count(*) from onceflow.instances") == 1


@pytest.mark.parametrize("name", ["number", "numbers", "deep"])
def test_an_output_that_cannot_be_kept_changes_nothing(play: Play, name: str) -> None:
    text = REFUSED[name][0]
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    with pytest.raises(BadArgument, match="the output cannot be kept"):
        play.worker.complete(grant, output=text.encode())
    assert play.state(instance, "a") == "RUNNING"


def test_an_error_that_cannot_be_kept_is_cut_and_recorded(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a", code="x", unknown=True, detail=MANY.encode().decode(), n=_raw(MANY))
    error = play.task(instance, "a", "error")[0]
    assert (error["code"], error["message"], error["unknown"]) == ("x", "it failed", True)
    assert "cannot be kept" in error["left_out"] or "could not be kept" in error["left_out"]


def _raw(text: str) -> Any:
    return msgspec.Raw(text.encode())


def test_a_progress_that_cannot_be_kept_costs_no_lease(play: Play) -> None:
    worker = play.worker
    calls.renew_worker(play.conn, worker.id, [], 1, {"k": 1}, {"s": 1})
    calls.renew_worker(play.conn, worker.id, [], 1, {"k": _raw(MANY)}, {"s": _raw(HUGE)})
    row = play.row("select state, progress, stats from onceflow.worker where id = %s", worker.id)
    assert row == ("live", {"k": 1}, {"s": 1})


def test_operators_are_told_what_cannot_be_kept(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a")
    key = Key(instance, "a")
    (redriven,) = calls.redrive_dead_letters(play.conn, [key], [HUGE.encode()])
    (skipped,) = calls.skip_dead_letters(play.conn, [key], [HUGE.encode()])
    assert redriven.outcome == skipped.outcome == "refused"
    assert "the input cannot be kept: /a/b~1c/1" in redriven.detail
    assert "the output cannot be kept: /a/b~1c/1" in skipped.detail
    assert play.state(instance, "a") == "DEAD_LETTER"


def test_the_output_of_a_workflow_is_measured(play: Play) -> None:
    # A product of numbers that may be kept each.
    product = path('$."steps"."a"."output" * $."steps"."a"."output"')
    instance = play.begin(workflow(Step("a"), output=product, output_reads=["a"]))
    play.complete(instance, "a", output=_raw("9e900"))
    assert play.task(instance, "workflow.output", "error ->> 'code'") == ("too_large",)


def test_parts_that_add_up_are_counted_before_their_whole_is_made(play: Play) -> None:
    """Sixty bytes of a definition can repeat a whole input: here 2,000 times 1 MB."""
    many = fields(**{f"m{n}": path("$.input.x") for n in range(2000)})
    play.deploy(workflow(Step("a", input=many), on_failure="suspend"))
    began = time.perf_counter()
    (started,) = calls.start_instances(play.conn, "flow", [{"x": "x" * 1_000_000}])
    assert time.perf_counter() - began < 10
    state, message = play.task(started.instance_id, "a", "state", "error ->> 'message'")
    assert state == "DEAD_LETTER"
    assert "more than 16 MiB" in message


QUADRATIC = {
    **path("$.input.a[*] ? (@ == $.input.b[*])"),
    "m": True,
}
"""Not marked as wide, as if another had compiled it: only the timeout stops it."""


def _slow(play: Play) -> dict[str, list[int]]:
    play.conn.execute("set statement_timeout = '1s'")
    return {"a": list(range(9000)), "b": list(range(9000, 18_000))}


def test_a_timeout_in_an_expression_is_the_failure_of_the_step_that_comes_due(play: Play) -> None:
    given = _slow(play)
    steps = [
        Step("a"),
        Step("b", ("a",), input=fields(x=QUADRATIC)),
        Step("c", ("a",), input=fields(x=QUADRATIC)),
        Step("d", ("a",)),
    ]
    try:
        instance = play.begin(workflow(*steps, on_failure="suspend"), given)
        play.complete(instance, "a")
    finally:
        play.conn.execute("reset statement_timeout")
    assert play.state(instance, "a") == "SUCCEEDED"
    assert play.task(instance, "b", "state", "error ->> 'code'") == (
        "DEAD_LETTER",
        "expression.timeout",
    )
    assert play.state(instance, "c") == "DEAD_LETTER"
    assert play.state(instance, "d") == "QUEUED"


def test_a_timeout_in_an_expression_of_one_blames_no_other_of_the_call(play: Play) -> None:
    """What was not evaluated for want of time is not failed: the call is, to be halved."""
    given = _slow(play)
    step = Step("a", input=fields(x=QUADRATIC), on_failure="suspend")
    play.deploy(workflow(step))
    try:
        with pytest.raises(psycopg.errors.QueryCanceled) as caught, play.conn.transaction():
            # In a transaction of ours it is not repeated.
            calls.start_instances(play.conn, "flow", [given, {"a": [], "b": []}, given])
        assert re.fullmatch("[0-9a-f-]{36}", caught.value.diag.message_detail or "")
        (alone,) = calls.start_instances(play.conn, "flow", [given])
        (other,) = calls.start_instances(play.conn, "flow", [{"a": [], "b": []}])
    finally:
        play.conn.execute("reset statement_timeout")
    assert play.task(alone.instance_id, "a", "error ->> 'code'") == ("expression.timeout",)
    assert play.state(other.instance_id, "a") == "QUEUED"


def test_a_completion_can_be_sent_without_evaluating_what_comes_due(play: Play) -> None:
    steps = [Step("a"), Step("b", ("a",), input=fields(x=path("$.input")))]
    instance = play.begin(workflow(*steps, on_failure="suspend"))
    grant = play.take(instance, "a")
    completion = calls.Completion(grant.instance_id, "a", grant.fence, None)
    calls.complete_tasks(play.conn, play.worker.id, [completion], evaluate=False)
    assert play.state(instance, "a") == "SUCCEEDED"
    assert play.task(instance, "b", "error ->> 'code'") == ("expression.timeout",)
    assert play.value("select coalesce(current_setting('onceflow.late', true), '')") == ""


def test_a_path_that_compares_each_with_each_takes_little_data(play: Play) -> None:
    wide = {**QUADRATIC, "w": True}
    play.deploy(workflow(Step("a", input=fields(x=wide)), on_failure="suspend"))
    large, small = calls.start_instances(
        play.conn, "flow", [{"a": [1] * 20_000, "b": [1]}, {"a": [1, 2], "b": [2, 3]}]
    )
    message = play.task(large.instance_id, "a", "error ->> 'message'")[0]
    assert "at most 128 KiB" in message
    assert play.task(small.instance_id, "a", "input") == ({"x": [2]},)


def test_a_task_whose_input_cannot_be_sent_can_be_claimed_without_it(play: Play) -> None:
    instance = play.begin(sequence("a"))
    take_messages(play.conn)
    statement = "update onceflow.task set input = %s::jsonb where instance_id = %s"
    execute(play.conn, statement, MANY, instance)
    token = play.worker.next_token()
    (claimed,) = calls.claim_tasks(
        play.conn, play.worker.id, token, play.worker.call, [Key(instance, "a")], inputs=False
    )
    assert claimed.grant is not None
    assert claimed.grant.input_json == ""
