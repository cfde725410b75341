"""An expression that is too slow fails the step that comes due, by whatever verb that comes due.

The others of the call go on, and the call returns in time.
"""

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Deferral, Key
from onceflow.engine.calls.slow_expressions import struck_by
from onceflow.relay import clock as clock_module
from onceflow.relay.clock import JOBS, Turns

from ...support import wait_until
from ..play import Play, execute, pass_time
from ..workflows import Step, fields, path, workflow

QUADRATIC = {**path("$.input.a[*] ? (@ == $.input.b[*])"), "m": True}
"""Not marked as wide, as if another had compiled it: only the timeout stops it."""
SLOW = fields(x=QUADRATIC)

QUICK: dict[str, list[int]] = {"a": [], "b": []}
LONG = {"a": list(range(9000)), "b": list(range(9000, 18_000))}
"""Compared in several seconds."""
BRIEF = {"a": list(range(1500)), "b": list(range(1500, 3000))}
"""Compared in a tenth of a second."""

TIMEOUT = 1.0


@contextmanager
def bounded(play: Play, seconds: float = 10 * TIMEOUT, timeout: float = TIMEOUT) -> Generator[None]:
    """Give statements little time, and require that the whole takes no longer than it may."""
    play.conn.execute("select set_config('statement_timeout', %s, false)", (f"{timeout}s",))
    began = time.monotonic()
    try:
        yield
        assert time.monotonic() - began < seconds
    finally:
        play.conn.execute("reset statement_timeout")


def start_three(play: Play, *steps: Step, given: Any = LONG, **options: Any) -> list[UUID]:
    """Start three instances, of which the second has much to compare."""
    play.deploy(workflow(*steps, **options))
    started = calls.start_instances(play.conn, "flow", [QUICK, given, QUICK])
    return [one.instance_id for one in started]


def of(play: Play, ids: list[UUID], task: str) -> list[str]:
    """Return the state of a task in each instance, or the code of its error."""
    found = [play.task(one, task, "state", "error ->> 'code'") for one in ids]
    return [code or state for state, code in found]


def test_skip(play: Play) -> None:
    ids = start_three(play, Step("a"), Step("b", ("a",), input=SLOW), on_failure="suspend")
    for one in ids:
        play.fail(one, "a")
    with bounded(play):
        decided = calls.skip_dead_letters(play.conn, [Key(one, "a") for one in ids], [None] * 3)
    assert [one.outcome for one in decided] == ["done"] * 3
    assert of(play, ids, "b") == ["QUEUED", "expression.timeout", "QUEUED"]
    assert of(play, ids, "a")[1] == "test.failed"
    assert [play.state(one, "a") for one in ids] == ["SKIPPED"] * 3


def test_failures_that_lead_to_compensations(play: Play) -> None:
    ids = start_three(play, Step("a", undo=SLOW), Step("b", ("a",)))
    for one in ids:
        play.complete(one, "a")
    grants = play.worker.claim(*[Key(one, "b") for one in ids])
    with bounded(play):
        answers = play.worker.fail(*grants, retryable=False)
    assert [one.answer for one in answers] == ["accepted"] * 3
    assert of(play, ids, "a.compensate") == ["QUEUED", "expression.timeout", "QUEUED"]


@pytest.mark.parametrize("verb", ["discard", "cancel"])
def test_what_leads_to_compensations(play: Play, verb: str) -> None:
    on_failure = "suspend" if verb == "discard" else "compensate"
    ids = start_three(
        play, Step("a", undo=SLOW), Step("b", ("a",), on_failure=on_failure), Step("c", ("b",))
    )
    for one in ids:
        play.complete(one, "a")
        if verb == "discard":
            play.fail(one, "b")
    with bounded(play):
        if verb == "discard":
            decided = calls.discard_dead_letters(play.conn, [Key(one, "b") for one in ids])
        else:
            decided = calls.cancel_instances(play.conn, ids)
    assert [one.outcome for one in decided] == ["done"] * 3
    assert of(play, ids, "a.compensate") == ["QUEUED", "expression.timeout", "QUEUED"]
    assert [play.state(one, "a") for one in ids] == ["SUCCEEDED"] * 3
    assert calls.check_instances(play.conn, ids) == []


def test_a_worker_that_stops_in_instances_that_are_ending(play: Play) -> None:
    ids = start_three(play, Step("a", undo=SLOW), Step("b", ("a",)))
    for one in ids:
        play.complete(one, "a")
    play.worker.claim(*[Key(one, "b") for one in ids])
    calls.cancel_instances(play.conn, ids)
    with bounded(play):
        calls.stop_worker(play.conn, play.worker.id)
    assert of(play, ids, "a.compensate") == ["QUEUED", "expression.timeout", "QUEUED"]


@pytest.mark.parametrize("fails", [False, True])
def test_answers_from_outside(play: Play, fails: bool) -> None:
    steps = [Step("a", undo=SLOW), Step("b", ("a",)), Step("c", ("b",), input=SLOW)]
    ids = start_three(play, *steps)
    for one in ids:
        play.complete(one, "a")
    grants = play.worker.claim(*[Key(one, "b") for one in ids])
    calls.defer_tasks(play.conn, [Deferral(g.instance_id, "b", g.fence, 60) for g in grants])
    tokens = [calls.token_of(g.instance_id, "b", g.fence) for g in grants]
    with bounded(play):
        if fails:
            error = {"code": "x", "message": "y"}
            answers = calls.fail_deferred_tasks(play.conn, tokens, [error] * 3, [False] * 3)
        else:
            answers = calls.complete_deferred_tasks(play.conn, tokens, [None] * 3)
    assert [one.answer for one in answers] == ["accepted"] * 3
    due = "a.compensate" if fails else "c"
    assert of(play, ids, due) == ["QUEUED", "expression.timeout", "QUEUED"]


def test_redrive_and_resume_evaluate_nothing_again(play: Play) -> None:
    """What came due has its input; one whose expression failed is redriven with another."""
    ids = start_three(play, Step("a"), Step("b", ("a",), input=SLOW), on_failure="suspend")
    with bounded(play):
        calls.suspend_instances(play.conn, ids[:1])
        for one in ids:
            grants = play.worker.claim(Key(one, "a"))
            if grants:
                play.worker.complete(*grants)
        assert of(play, ids[1:], "b") == ["expression.timeout", "QUEUED"]
    play.conn.execute("set statement_timeout = '500ms'")
    resumed = calls.resume_instances(play.conn, ids)
    key = Key(ids[1], "b")
    (refused,) = calls.redrive_dead_letters(play.conn, [key])
    (redriven,) = calls.redrive_dead_letters(play.conn, [key], [{"x": []}])
    assert [one.outcome for one in resumed] == ["done", "refused", "refused"]
    assert (refused.outcome, redriven.outcome) == ("refused", "done")
    assert play.states(ids[0])["a"] == "QUEUED"
    assert play.task(ids[1], "b", "state", "input") == ("QUEUED", {"x": []})


def test_start(play: Play) -> None:
    with bounded(play):
        ids = start_three(play, Step("a", input=SLOW), on_failure="suspend")
    assert of(play, ids, "a") == ["QUEUED", "expression.timeout", "QUEUED"]


def test_the_output_of_a_workflow(play: Play) -> None:
    ids = start_three(play, Step("a"), output=SLOW, on_failure="suspend")
    for one in ids:
        play.fail(one, "a")
    with bounded(play):
        calls.skip_dead_letters(play.conn, [Key(one, "a") for one in ids], [None] * 3)
    assert [play.state(one) for one in ids] == ["SUCCEEDED", "RUNNING", "SUCCEEDED"]
    assert play.task(ids[1], "workflow.output", "state", "error ->> 'code'") == (
        "DEAD_LETTER",
        "expression.timeout",
    )


def test_many_of_which_none_has_most_of_the_time(play: Play) -> None:
    """They are tried twice, and then failed together: their instance is not stuck."""
    many = [Step(f"b{n}", ("a",), input=SLOW) for n in range(60)]
    ids = start_three(play, Step("a"), *many, given=BRIEF, on_failure="suspend")
    for one in ids:
        play.fail(one, "a")
    # So much that a machine that stands still for a moment gives none of them most of it.
    with bounded(play, 20 * TIMEOUT, 2 * TIMEOUT):
        decided = calls.skip_dead_letters(play.conn, [Key(ids[1], "a")], [None])
        others = [Key(one, "a") for one in (ids[0], ids[2])]
        decided += calls.skip_dead_letters(play.conn, others, [None, None])
    assert [one.outcome for one in decided] == ["done"] * 3
    assert {of(play, ids[1:2], f"b{n}")[0] for n in range(60)} == {"expression.timeout"}
    assert of(play, ids, "b0") == ["QUEUED", "expression.timeout", "QUEUED"]


def test_a_timeout_that_is_none_of_expressions_blames_none(
    play: Play, open_conn: Callable[[], psycopg.Connection[Any]]
) -> None:
    other = open_conn()
    (one, *_) = ids = start_three(play, Step("a"), Step("b", ("a",), input=SLOW))
    assert ids
    with other.transaction():
        other.execute("select 1 from onceflow.instance where id = %s for update", (one,))
        with bounded(play), pytest.raises(psycopg.errors.QueryCanceled):
            calls.cancel_instances(play.conn, ids)
    assert [play.state(one) for one in ids] == ["RUNNING"] * 3


@pytest.mark.parametrize("job", ["timers", "deadlines", "lost attempts"])
def test_the_clock(
    play: Play,
    open_conn: Callable[[], psycopg.Connection[Any]],
    job: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One with a slow compensation delays the others by one timeout."""
    monkeypatch.setattr(clock_module, "TIMEOUT", TIMEOUT)
    monkeypatch.setattr(clock_module, "TIMEOUT_ALONE", TIMEOUT)
    once = {"attempts": 1}
    steps = [Step("a", undo=SLOW), Step("b", ("a",), retry=once, timeout=60)]
    ids = start_three(play, *steps, deadline=3600)
    for one in ids:
        play.complete(one, "a")
        play.take(one, "b")
    turns = job_named(job)
    if job == "lost attempts":
        play.worker.vanish()
        calls.expire_workers(play.conn, 10)
    else:
        pass_time(play.conn, "61 s" if job == "timers" else "2 hours")
    clock = open_conn()
    began = time.monotonic()
    while turns.turn(clock):
        pass
    assert time.monotonic() - began < 6 * TIMEOUT
    for _ in range(4):  # a busy machine has had one more call fail, and its limit halved
        turns.turn(clock)
    assert (turns.skip, turns.limit) == (0, clock_module.LIMIT)
    if job == "deadlines":  # which awaits what runs
        play.worker.vanish()
        for one in JOBS:
            ended = Turns(one)
            while ended.turn(clock):
                pass
    assert of(play, ids, "a.compensate") == ["QUEUED", "expression.timeout", "QUEUED"]


def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the calls of the clock small and short."""
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    monkeypatch.setattr(clock_module, "PORTION", 4)
    monkeypatch.setattr(clock_module, "TIMEOUT", TIMEOUT)
    monkeypatch.setattr(clock_module, "TIMEOUT_ALONE", TIMEOUT)


def job_named(name: str) -> Turns:
    (job,) = [one for one in JOBS if one.name == name]
    return Turns(job)


def test_many_slow_compensations_hold_up_timers_little(
    play: Play,
    open_conn: Callable[[], psycopg.Connection[Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A retry is queued after one timeout; they are failed in portions, and do not stop others."""
    small_portions(monkeypatch)
    steps = [Step("a", undo=SLOW), Step("b", ("a",), retry={"attempts": 1}, timeout=3600)]
    play.deploy(workflow(*steps))
    started = calls.start_instances(play.conn, "flow", [LONG] * 8 + [QUICK])
    ids = [one.instance_id for one in started]
    pass_time(play.conn, "0 s")
    for one in ids:
        play.complete(one, "a")
        if one == ids[-1]:
            pass_time(play.conn, "1 s")
        play.take(one, "b")
    pass_time(play.conn, "1 hour")
    other = play.begin(workflow(Step("a"), name="other"))
    play.fail(other, "a", retryable=True)
    pass_time(play.conn, "1 minute")
    turns, clock = job_named("timers"), open_conn()
    assert turns.turn(clock)
    assert turns.turn(clock)
    assert play.state(other, "a") == "QUEUED"
    assert set(of(play, ids, "b")) == {"RUNNING"}
    done = 2
    while "RUNNING" in of(play, ids[:4], "b"):
        turns.turn(clock)
        done += 1
    assert of(play, ids[4:], "b") == ["RUNNING"] * 5
    while turns.turn(clock):
        done += 1
    assert of(play, ids, "a.compensate") == ["expression.timeout"] * 8 + ["QUEUED"]
    assert "all that come due are failed" in caplog.text
    assert done < 20
    assert turns.skip == 0


def test_slow_starts_hold_up_no_timers(
    play: Play,
    open_conn: Callable[[], psycopg.Connection[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While they are evaluated retries are queued, and attempts past their timeout are failed."""
    small_portions(monkeypatch)
    play.deploy(workflow(Step("a", input=SLOW), on_failure="suspend"))
    at = datetime.now(UTC) + timedelta(hours=1)
    times = [at] * 8 + [at + timedelta(seconds=1)]
    started = calls.start_instances(play.conn, "flow", [LONG] * 8 + [QUICK], start_at=times)
    ids = [one.instance_id for one in started]
    play.deploy(workflow(Step("a", timeout=60), name="other"))
    retried, timed_out, late = (play.start("other") for _ in range(3))
    play.fail(retried, "a", retryable=True)
    play.take(timed_out, "a")
    pass_time(play.conn, "2 hours")
    starts, timers, clock, mine = job_named("starts"), job_named("timers"), open_conn(), open_conn()
    timers.turn(mine)
    assert (play.state(retried, "a"), play.state(timed_out, "a")) == ("QUEUED", "RETRYING")
    assert set(of(play, ids, "a")) == {"WAITING"}
    play.fail(late, "a", retryable=True)
    pass_time(play.conn, "1 minute")
    with ThreadPoolExecutor() as pool:
        turn = pool.submit(starts.turn, clock)
        evaluating = "select state = 'active' from pg_stat_activity where pid = %s"
        wait_until(
            lambda: play.value(evaluating, clock.info.backend_pid) and not turn.done(),
            "the starts to be evaluated",
        )
        timers.turn(mine)
        assert not turn.done()
        assert play.state(late, "a") == "QUEUED"
        assert turn.result()
    while starts.turn(clock):
        pass
    assert of(play, ids, "a") == ["expression.timeout"] * 8 + ["QUEUED"]
    assert starts.skip == 0


def test_a_timeout_that_strikes_between_two_expressions_is_one_of_expressions(play: Play) -> None:
    given = {"items": list(range(20_000))}
    instance = play.begin(workflow(Step("a", input=fields(x=path("$.input.items")))), given)
    gather = (
        "select count(onceflow.step_context(i.id, i.version_id, 'a', 0, 0, 'task', '[]'))"
        " from onceflow.instance i, generate_series(1, 10000) where i.id = %s"
    )

    def strike() -> psycopg.errors.QueryCanceled | None:
        play.conn.execute("set statement_timeout = '100ms'")
        try:
            with pytest.raises(psycopg.errors.QueryCanceled) as raised:
                execute(play.conn, gather, instance)
        finally:
            play.conn.execute("reset statement_timeout")
        # It may strike between two calls, too.
        return raised.value if "step_context" in (raised.value.diag.context or "") else None

    assert struck_by(wait_until(strike, "the timeout to strike while it is gathered")) == ""
