"""redrive_dead_letters"""

import uuid

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import BadArgument

from ...play import Play, pass_time, take_messages
from ...workflows import Step, fields, path, sequence, value, workflow


def redrive(play: Play, *keys: Key) -> list[tuple[str, str]]:
    """Redrive and return outcomes with their details, in the order of the keys."""
    decided = calls.redrive_dead_letters(play.conn, keys)
    assert [(d.instance_id, d.task) for d in decided] == [(k.instance_id, k.task) for k in keys]
    return [(d.outcome, d.detail) for d in decided]


def test_the_same_row_is_queued_again_and_no_dead_letter_is_told(play: Play) -> None:
    instance = play.begin(workflow(Step("a", input=value({"x": 1})), on_failure="suspend"))
    play.fail(instance, "a")
    take_messages(play.conn)
    assert redrive(play, Key(instance, "a")) == [("done", "it is tried again")]
    assert play.instance(instance, "state", "suspended_by") == ("RUNNING", None)
    assert take_messages(play.conn) == [Key(instance, "a")]
    grant = play.take(instance, "a")
    assert (grant.attempt, grant.key, grant.input) == (2, f"{instance}/a", {"x": 1})
    play.worker.complete(grant)
    assert play.instance(instance, "state") == ("SUCCEEDED",)
    assert play.log(instance, "a") == [
        "QUEUED",
        "RUNNING",
        "DEAD_LETTER",
        "QUEUED",
        "RUNNING",
        "SUCCEEDED",
    ]


# guarantee: complete-fence
def test_the_old_fence_is_good_for_nothing_afterwards(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    old = play.take(instance, "a")
    play.worker.fail(old, retryable=False)
    redrive(play, Key(instance, "a"))
    assert play.worker.complete(old)[0].answer == "repeated"
    assert play.state(instance, "a") == "QUEUED"
    play.take(instance, "a")
    assert play.worker.complete(old)[0].answer == "stale"


def test_it_has_a_fresh_budget_of_retries(play: Play) -> None:
    step = Step("a", retry={"attempts": 2})
    instance = play.begin(workflow(step, on_failure="suspend"))
    for _ in range(2):
        play.fail(instance, "a", retryable=True)
        pass_time(play.conn, "1 h")
        play.tick()
    assert play.state(instance, "a") == "DEAD_LETTER"
    redrive(play, Key(instance, "a"))
    for state in ("RETRYING", "DEAD_LETTER"):
        play.fail(instance, "a", retryable=True)
        assert play.state(instance, "a") == state
        pass_time(play.conn, "1 h")
        play.tick()
    assert play.task(instance, "a", "attempts") == (4,)


def test_a_corrected_input_replaces_the_one_that_failed(play: Play) -> None:
    instance = play.begin(workflow(Step("a", input=value({"x": 1})), on_failure="suspend"))
    play.fail(instance, "a")
    (done,) = calls.redrive_dead_letters(play.conn, [Key(instance, "a")], [{"x": 2}])
    assert done.outcome == "done"
    assert play.take(instance, "a").input == {"x": 2}


def test_where_no_input_is_given_for_one_it_stays_as_it_was(play: Play) -> None:
    play.deploy(workflow(Step("a", input=value({"x": 1})), on_failure="suspend"))
    ids = sorted(play.start("flow") for _ in range(2))
    for instance in ids:
        play.fail(instance, "a")
    play.rows(
        "select * from onceflow.redrive_dead_letters(%s::uuid[], array['a', 'a'],"
        " array['{\"x\": 2}', null]::jsonb[])",
        ids,
    )
    assert [play.task(i, "a", "input") for i in ids] == [({"x": 2},), ({"x": 1},)]


def test_a_task_that_never_got_an_input_needs_one(play: Play) -> None:
    tree = fields(who=path("$.input.who"))
    instance = play.begin(workflow(Step("a", input=tree), on_failure="suspend"))
    assert play.task(instance, "a", "state", "input") == ("DEAD_LETTER", None)
    assert redrive(play, Key(instance, "a")) == [("refused", "it never got an input: give one")]
    assert play.instance(instance, "suspended_by") == ("dead_letter",)
    (done,) = calls.redrive_dead_letters(play.conn, [Key(instance, "a")], [{"who": "Ana"}])
    assert done.outcome == "done"
    play.complete(instance, "a")
    assert play.state(instance) == "SUCCEEDED"


def test_it_is_due_at_once_though_others_are_open(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), Step("c"), on_failure="suspend"))
    second = play.take(instance, "b")
    play.fail(instance, "a")
    play.worker.fail(second, retryable=False)
    redrive(play, Key(instance, "a"))
    assert play.states(instance) == {"a": "QUEUED", "b": "DEAD_LETTER", "c": "QUEUED"}
    assert play.instance(instance, "suspended_by") == ("dead_letter",)
    redrive(play, Key(instance, "b"))
    assert set(play.states(instance).values()) == {"QUEUED"}
    assert play.instance(instance, "suspended_by") == (None,)


def test_several_of_one_instance_can_be_redriven_at_once(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), on_failure="suspend"))
    grants = play.worker.claim_all()
    play.worker.fail(*grants, retryable=False)
    keys = Key(instance, "a"), Key(instance, "b")
    assert [outcome for outcome, _ in redrive(play, *keys)] == ["done", "done"]
    assert play.states(instance) == {"a": "QUEUED", "b": "QUEUED"}


def test_a_compensation_is_redriven_and_the_way_back_goes_on(play: Play) -> None:
    undone = Step("a", undo=value(1), undo_retry={"attempts": 1})
    instance = play.begin(workflow(undone, Step("b", ("a",))))
    play.complete(instance, "a")
    play.fail(instance, "b")
    play.fail(instance, "a.compensate")
    assert redrive(play, Key(instance, "a.compensate"))[0][0] == "done"
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "COMPENSATED"


def test_a_compensation_whose_expression_fails_waits_for_an_input_and_the_way_back_goes_on(
    play: Play,
) -> None:
    bad = fields(x=path("$.output.x"))
    steps = [Step("a", undo=value(1)), Step("b", ("a",), undo=bad), Step("c", ("b",))]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a")
    play.complete(instance, "b", output={"y": 1})
    play.fail(instance, "c")
    assert play.task(instance, "b.compensate", "state", "input", "open") == (
        "DEAD_LETTER",
        None,
        True,
    )
    assert play.instance(instance, "state", "suspended_by") == ("COMPENSATING", "dead_letter")
    (done,) = calls.redrive_dead_letters(play.conn, [Key(instance, "b.compensate")], [{"x": 1}])
    assert done.outcome == "done"
    play.complete(instance, "b.compensate", "a.compensate")
    assert play.state(instance) == "COMPENSATED"


def test_a_record_is_refused_with_what_to_do_instead(play: Play) -> None:
    ended = play.begin(sequence("a", name="ended"))
    play.fail(ended, "a")
    back = play.begin(sequence("a", "b", undo=True, name="back"))
    play.complete(back, "a")
    play.fail(back, "b")
    instead = ". Start a new instance with the same input instead"
    assert redrive(play, Key(ended, "a"), Key(back, "b")) == [
        ("refused", f"it is only a record: the instance has ended, as COMPENSATED{instead}"),
        ("refused", f"it is only a record: the instance is COMPENSATING{instead}"),
    ]
    assert play.task(ended, "a", "state", "open") == ("DEAD_LETTER", False)


def test_what_is_no_dead_letter_is_refused(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    assert redrive(
        play, Key(instance, "a"), Key(instance, "b"), Key(uuid.uuid4(), "a"), Key(instance, "a/")
    ) == [
        ("refused", "it is no dead letter, but QUEUED"),
        ("refused", "there is no such task"),
        ("refused", "there is no such task"),
        ("refused", "there is no such task"),
    ]


def test_a_second_time_is_refused(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a")
    redrive(play, Key(instance, "a"))
    take_messages(play.conn)
    assert redrive(play, Key(instance, "a")) == [("refused", "it is no dead letter, but QUEUED")]
    assert take_messages(play.conn) == []


# guarantee: row-once
def test_one_that_stands_twice_is_redriven_once(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a")
    take_messages(play.conn)
    redrive(play, Key(instance, "a"), Key(instance, "a"))
    assert take_messages(play.conn) == [Key(instance, "a")]


def test_none_are_none_and_arrays_that_differ_in_length_are_refused(play: Play) -> None:
    assert redrive(play) == []
    with pytest.raises(BadArgument):
        calls.redrive_dead_letters(play.conn, [Key(uuid.uuid4(), "a")], [])
    with pytest.raises(BadArgument):
        calls.base.fetch(
            play.conn,
            "select * from onceflow.redrive_dead_letters(array[gen_random_uuid()], '{}')",
        )
