"""skip_dead_letters"""

import uuid

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import BadArgument

from ...play import Json, Play, take_messages
from ...workflows import Step, path, sequence, value, workflow


def skip(play: Play, *keys: Key, output: Json = None) -> list[tuple[str, str]]:
    """Skip, all with one output, and return outcomes with their details."""
    decided = calls.skip_dead_letters(play.conn, keys, [output] * len(keys))
    assert [(d.instance_id, d.task) for d in decided] == [(k.instance_id, k.task) for k in keys]
    return [(d.outcome, d.detail) for d in decided]


def test_what_follows_goes_on_with_the_output_that_a_person_gave(play: Play) -> None:
    steps = [Step("a"), Step("b", ("a",), path("$.steps.a.output"), reads=("a",))]
    instance = play.begin(workflow(*steps, on_failure="suspend"))
    play.fail(instance, "a")
    assert skip(play, Key(instance, "a"), output={"by": "hand"}) == [("done", "it is skipped")]
    assert play.task(instance, "a", "state", "reason", "output", "open") == (
        "SKIPPED",
        "operator",
        {"by": "hand"},
        False,
    )
    assert play.instance(instance, "suspended_by") == (None,)
    assert play.take(instance, "b").input == {"by": "hand"}


def test_the_last_one_skipped_ends_the_instance(play: Play) -> None:
    instance = play.begin(
        sequence("a", on_failure="suspend", output=path("$.steps.a.output"), output_reads=["a"])
    )
    play.fail(instance, "a")
    skip(play, Key(instance, "a"), output=[1])
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", [1])


def test_it_passes_its_edge_into_a_join(play: Play) -> None:
    steps = [Step("a"), Step("b"), Step("end", ("a", "b"))]
    instance = play.begin(workflow(*steps, on_failure="suspend"))
    play.complete(instance, "a")
    play.fail(instance, "b")
    skip(play, Key(instance, "b"))
    assert play.state(instance, "end") == "QUEUED"


def test_what_follows_is_due_though_another_dead_letter_is_open(play: Play) -> None:
    steps = [Step("a"), Step("b"), Step("after", ("a",))]
    instance = play.begin(workflow(*steps, on_failure="suspend"))
    play.worker.fail(*play.worker.claim_all(), retryable=False)
    skip(play, Key(instance, "a"))
    assert play.states(instance) == {"a": "SKIPPED", "b": "DEAD_LETTER", "after": "QUEUED"}
    assert play.instance(instance, "suspended_by") == ("dead_letter",)


def test_under_an_operators_suspension_what_follows_is_held(play: Play) -> None:
    instance = play.begin(sequence("a", "b", on_failure="suspend"))
    play.fail(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    skip(play, Key(instance, "a"))
    assert play.state(instance, "b") == "READY"
    assert play.instance(instance, "suspended_by") == ("operator",)


def test_a_compensation_skipped_lets_the_way_back_go_on_to_its_proper_end(play: Play) -> None:
    steps = [
        Step("a", undo=value(1)),
        Step("b", ("a",), undo=value(1), undo_retry={"attempts": 1}),
        Step("c", ("b",)),
    ]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a", "b")
    play.fail(instance, "c")
    play.fail(instance, "b.compensate")
    skip(play, Key(instance, "b.compensate"))
    assert play.states(instance)["a.compensate"] == "QUEUED"
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "COMPENSATED"


# guarantee: unknown-compensated
@pytest.mark.parametrize(("unknown", "undone"), [(True, True), (False, False)])
def test_a_skipped_step_is_undone_only_where_an_attempt_may_have_had_its_effect(
    play: Play, unknown: bool, undone: bool
) -> None:
    steps = [Step("a", undo=path("$.output"), on_failure="suspend"), Step("b", ("a",))]
    instance = play.begin(workflow(*steps))
    play.fail(instance, "a", unknown=unknown)
    skip(play, Key(instance, "a"), output="given")
    play.fail(instance, "b")
    assert ("a.compensate" in play.states(instance)) == undone
    if undone:
        assert play.take(instance, "a.compensate").input == "given"


def test_a_record_or_what_is_no_dead_letter_is_refused(play: Play) -> None:
    ended = play.begin(sequence("a", name="ended"))
    play.fail(ended, "a")
    running = play.begin(sequence("a"))
    outcomes = skip(play, Key(ended, "a"), Key(running, "a"), Key(uuid.uuid4(), "a"))
    assert [outcome for outcome, _ in outcomes] == ["refused"] * 3
    assert outcomes[0][1].startswith("it is only a record")
    assert outcomes[1][1] == "it is no dead letter, but QUEUED"
    assert play.state(ended, "a") == "DEAD_LETTER"


def test_a_second_time_is_refused_and_one_that_stands_twice_is_skipped_once(play: Play) -> None:
    instance = play.begin(sequence("a", "b", on_failure="suspend"))
    play.fail(instance, "a")
    take_messages(play.conn)
    skip(play, Key(instance, "a"), Key(instance, "a"))
    assert take_messages(play.conn) == [Key(instance, "b")]
    assert skip(play, Key(instance, "a")) == [("refused", "it is no dead letter, but SKIPPED")]


def test_one_that_never_got_an_input_can_be_skipped(play: Play) -> None:
    instance = play.begin(
        workflow(Step("a", input=path("$.input.no")), Step("b", ("a",)), on_failure="suspend")
    )
    skip(play, Key(instance, "a"))
    play.complete(instance, "b")
    assert play.state(instance) == "SUCCEEDED"


def test_none_are_none_and_arrays_that_differ_in_length_are_refused(play: Play) -> None:
    assert skip(play) == []
    with pytest.raises(BadArgument):
        calls.skip_dead_letters(play.conn, [Key(uuid.uuid4(), "a")], [])
