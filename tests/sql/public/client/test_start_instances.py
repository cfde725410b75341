"""start_instances"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument, NotFound
from onceflow.engine.ids import cell_of, make_ids

from ...aged import age, make_week
from ...play import Play, pass_time, take_messages
from ...sessions import Sessions
from ...workflows import Step, diamond, fields, path, sequence, value, workflow

NOTHING: dict[str, Any] = {}


def start_without_id(play: Play) -> uuid.UUID:
    """Start an instance whose id SQL makes."""
    return play.value(
        "select instance_id from onceflow.start_instances('flow', array['{}'::jsonb])"
    )


def test_an_instance_is_started_for_each_input_in_their_order(play: Play) -> None:
    play.deploy(sequence("a"))
    started = calls.start_instances(play.conn, "flow", [{"n": n} for n in range(5)])
    assert [s.outcome for s in started] == ["started"] * 5
    assert [play.instance(s.instance_id, "input") for s in started] == [
        ({"n": n},) for n in range(5)
    ]


def test_the_first_steps_are_queued_each_with_one_message_that_names_it_alone(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b", queue="other"), Step("c", ("a", "b"))))
    assert play.states(instance) == {"a": "QUEUED", "b": "QUEUED"}
    rows = play.rows("select kind, topic, key, value::jsonb from onceflow.outbox order by topic")
    assert rows == [
        ("task", "default", str(instance), {"instance": str(instance), "task": "a"}),
        ("task", "other", str(instance), {"instance": str(instance), "task": "b"}),
    ]


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


def test_a_deadline_counts_from_the_start_by_the_clock_of_timers(play: Play) -> None:
    pass_time(play.conn, "1 day")
    instance = play.begin(sequence("a", deadline=90))
    started_at, deadline_at = play.instance(instance, "started_at", "deadline_at")
    assert deadline_at - started_at == timedelta(seconds=90)
    assert started_at - datetime.now(UTC) > timedelta(hours=23)


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


# Later


def later(play: Play, minutes: float) -> datetime:
    """Return a time from now, by the clock of the timers."""
    return play.value("select onceflow.now()") + timedelta(minutes=minutes)


def test_first_steps_come_due_at_the_start_time_and_not_before(play: Play) -> None:
    play.deploy(workflow(Step("a", input=path("$.input.n")), Step("b"), Step("c", ("a", "b"))))
    pass_time(play.conn, "0 s")
    at = later(play, 10)
    (started,) = calls.start_instances(play.conn, "flow", [{"n": 7}], start_at=[at])
    instance = started.instance_id
    assert (started.outcome, started.state) == ("started", "RUNNING")
    assert play.states(instance) == {"a": "WAITING", "b": "WAITING"}
    assert play.task(instance, "a", "due_at", "input") == (at, None)
    assert play.instance(instance, "start_at", "open_tasks") == (at, 2)
    assert take_messages(play.conn) == []
    reasons = calls.explain_instance(play.conn, instance)
    assert reasons[0].because.startswith("starts at 2")
    assert reasons[-1].because.startswith("waits until 2")
    assert reasons[-1].because.endswith(", when its instance starts")
    pass_time(play.conn, "9 min 59 s")
    assert play.tick().retried == 0
    pass_time(play.conn, "1 s")
    reasons = calls.explain_instance(play.conn, instance)
    assert reasons[-1].because.startswith("its instance was to start at 2")
    assert play.tick().retried == 2
    assert play.states(instance) == {"a": "QUEUED", "b": "QUEUED"}
    assert play.task(instance, "a", "due_at", "input") == (None, 7)
    assert play.log(instance, "a") == ["WAITING", "QUEUED"]
    play.complete(instance, "a", "b", "c")
    assert play.state(instance) == "SUCCEEDED"


def test_items_of_one_call_start_each_at_its_time(play: Play) -> None:
    play.deploy(sequence("a"))
    times = [None, later(play, 10), later(play, -10)]
    started = calls.start_instances(play.conn, "flow", [NOTHING] * 3, start_at=times)
    states = [play.state(s.instance_id, "a") for s in started]
    assert states == ["QUEUED", "WAITING", "QUEUED"]
    assert [play.instance(s.instance_id, "start_at")[0] for s in started] == [None, times[1], None]


def test_a_deadline_counts_from_the_start_time(play: Play) -> None:
    play.deploy(sequence("a", deadline=60))
    pass_time(play.conn, "0 s")
    at = later(play, 10)
    (started,) = calls.start_instances(play.conn, "flow", [{}], start_at=[at])
    assert play.instance(started.instance_id, "deadline_at") == (at + timedelta(minutes=1),)


def test_what_is_to_start_later_is_cancelled_suspended_and_found_by_its_key(play: Play) -> None:
    play.deploy(sequence("a"))
    at = later(play, 10)
    first, second = calls.start_instances(
        play.conn, "flow", [{}, {}], ["k", None], start_at=[at, at]
    )
    (again,) = calls.start_instances(play.conn, "flow", [{}], ["k"])
    assert (again.found, again.outcome) == (first.found, "exists")
    calls.cancel_instances(play.conn, [first.instance_id])
    assert play.state(first.instance_id) == "CANCELLED"
    calls.suspend_instances(play.conn, [second.instance_id])
    pass_time(play.conn, "10 min")
    play.tick()
    assert play.state(second.instance_id, "a") == "READY"
    calls.resume_instances(play.conn, [second.instance_id])
    assert play.state(second.instance_id, "a") == "QUEUED"


def test_an_expression_that_fails_at_the_start_time_fails_its_own_instance(play: Play) -> None:
    play.deploy(workflow(Step("a", input=path("$.input.n"))))
    at = later(play, 10)
    good, bad = calls.start_instances(play.conn, "flow", [{"n": 1}, {}], start_at=[at, at])
    pass_time(play.conn, "10 min")
    play.tick()
    assert play.state(good.instance_id, "a") == "QUEUED"
    assert play.state(bad.instance_id) == "COMPENSATED"


def test_a_start_time_that_is_none_is_invalid_for_its_item_alone(play: Play) -> None:
    play.deploy(sequence("a"))
    rows = play.rows(
        "select outcome, error ->> 'code' from onceflow.start_instances('flow',"
        " array['{}', '{}', '{}', '{}']::jsonb[], p_start_at => array['infinity', now(),"
        " now() + interval '11 years', '-infinity']::timestamptz[]) order by ordinal"
    )
    wrong = ("invalid", "invalid_start_at")
    assert rows == [wrong, ("started", None), wrong, ("started", None)]
    with pytest.raises(BadArgument, match="inputs and start times differ in number: 1 and 2"):
        calls.start_instances(play.conn, "flow", [{}], start_at=[None, None])
    with pytest.raises(BadArgument, match="has no offset from UTC"):
        calls.start_instances(play.conn, "flow", [{}], start_at=[datetime(2030, 1, 31)])  # noqa: DTZ001


def test_a_start_that_is_repeated_waits_once(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = make_ids(1)
    for outcome in ("started", "exists"):
        (answer,) = calls.start_instances(
            play.conn, "flow", [{}], ids=ids, start_at=[later(play, 10)]
        )
        assert answer.outcome == outcome
    assert play.value("select count(*) from onceflow.tasks") == 1


def test_an_id_that_stands_twice_starts_at_the_time_of_the_item_that_started_it(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.start_instances(play.conn, "flow", [{}], ["taken"])
    ids, times = make_ids(1) * 3, [later(play, minutes) for minutes in (10, 20, 30)]
    found = calls.start_instances(
        play.conn, "flow", [{}, {"n": 1}, {"n": 1}], ["taken", None, None], ids=ids, start_at=times
    )
    assert [item.outcome for item in found] == ["exists", "started", "exists"]
    assert [item.instance_id == ids[0] for item in found] == [False, True, True]
    assert play.instance(ids[0], "start_at", "input") == (times[1], {"n": 1})
    assert play.task(ids[0], "a", "due_at") == (times[1],)
