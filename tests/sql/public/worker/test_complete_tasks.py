"""complete_tasks"""

import uuid
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Key
from onceflow.engine.errors import BadArgument

from ...play import Play, Worker, take_messages
from ...workflows import Step, diamond, fan, fields, path, sequence, value, workflow


def test_a_completed_task_keeps_its_output_and_the_next_step_is_queued(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    take_messages(play.conn)
    (answer,) = play.worker.complete(play.take(instance, "a"), output={"x": 1})
    assert (answer.instance_id, answer.task) == (instance, "a")
    assert (answer.answer, answer.state) == ("accepted", "SUCCEEDED")
    assert play.task(instance, "a", "state", "output", "worker_id") == ("SUCCEEDED", {"x": 1}, None)
    assert take_messages(play.conn) == [Key(instance, "b")]


def test_one_call_is_one_transition_with_one_number(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    play.complete(instance, "a")
    log = play.rows(
        "select seq, n, task, attempt, state, worker_id from onceflow.transitions"
        " where instance_id = %s and seq = 2 order by n",
        instance,
    )
    assert log == [
        (2, 1, "a", 1, "SUCCEEDED", play.worker.id),
        (2, 2, "b", 0, "QUEUED", None),
    ]
    assert play.instance(instance, "seq", "open_tasks") == (2, 1)


def test_what_ended_before_is_read_by_the_steps_that_name_it(play: Play) -> None:
    tree = fields(order=path("$.steps.a.output.order"), state=path("$.steps.a.state"))
    instance = play.begin(workflow(Step("a"), Step("b", ("a",), tree, reads=("a",))))
    play.complete(instance, "a", output={"order": 17})
    assert play.task(instance, "b", "input") == ({"order": 17, "state": "SUCCEEDED"},)


def test_the_last_completion_ends_the_instance_with_its_output(play: Play) -> None:
    output = fields(got=path("$.steps.b.output"), id=path("$.instance.id"))
    instance = play.begin(sequence("a", "b", output=output, output_reads=["b"]))
    play.complete(instance, "a", "b", output=[1, 2])
    assert play.instance(instance, "state", "output", "open_tasks") == (
        "SUCCEEDED",
        {"got": [1, 2], "id": str(instance)},
        0,
    )
    assert play.log(instance, None) == ["RUNNING", "SUCCEEDED"]


def test_without_an_output_an_instance_has_none(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.complete(instance, "a", output={"x": 1})
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", None)


def test_an_output_that_fails_waits_for_a_person_and_fails_no_other(play: Play) -> None:
    bad = path("$.steps.a.output.nothing")
    play.deploy(sequence("a", undo=True, output=bad, output_reads=["a"]))
    instance, other = play.start("flow"), play.start("flow")
    grants = play.worker.claim(Key(instance, "a"), Key(other, "a"))
    play.worker.complete(*grants[:1], output={"nothing": "here"})
    play.worker.complete(*grants[1:], output={})
    good, failed = (instance, other) if grants[0].instance_id == instance else (other, instance)
    assert play.instance(good, "state", "output") == ("SUCCEEDED", "here")
    assert play.states(failed) == {"a": "SUCCEEDED", "workflow.output": "DEAD_LETTER"}
    assert play.task(failed, "workflow.output", "error ->> 'code'") == ("expression",)


# guarantee: output-fails-call
def test_an_output_larger_than_a_payload_may_be_is_a_dead_letter_of_it_alone(play: Play) -> None:
    both = fields(a=path("$.steps.a.output"), b=path("$.steps.a.output"))
    instance = play.begin(sequence("a", output=both, output_reads=["a"]))
    play.complete(instance, "a", output="x" * 600_000)
    assert play.task(instance, "workflow.output", "error ->> 'code'") == ("too_large",)


def test_an_expression_that_fails_fails_the_step_that_comes_due_not_the_one_that_ended(
    play: Play,
) -> None:
    steps = [Step("a"), Step("b", ("a",), path("$.steps.a.output.x"), reads=("a",))]
    play.deploy(workflow(*steps, on_failure="suspend"))
    ids = [play.start("flow") for _ in range(7)]
    grants = play.worker.claim(*[Key(i, "a") for i in ids])
    outputs: list[Any] = [{"x": 1} if n != 3 else {} for n in range(7)]
    answers = calls.complete_tasks(
        play.conn,
        play.worker.id,
        [Completion(g.instance_id, "a", g.fence, o) for g, o in zip(grants, outputs, strict=True)],
    )
    assert [a.answer for a in answers] == ["accepted"] * 7
    states = [play.state(g.instance_id, "b") for g in grants]
    assert states == ["QUEUED"] * 3 + ["DEAD_LETTER"] + ["QUEUED"] * 3
    bad = grants[3].instance_id
    assert play.state(bad, "a") == "SUCCEEDED"
    columns = "attempts", "input", "error ->> 'code'", "error ->> 'message'"
    attempts, given, code, message = play.task(bad, "b", *columns)
    assert (attempts, given, code) == (0, None, "expression")
    assert "$.steps.a.output.x" in message


def test_the_error_of_an_expression_tells_no_password_of_a_url(play: Play) -> None:
    steps = [Step("a"), Step("b", ("a",), path("$.steps.a.output.datetime()"), reads=("a",))]
    instance = play.begin(workflow(*steps, on_failure="suspend"))
    (answer,) = play.worker.complete(
        *play.worker.claim(Key(instance, "a")), output="amqp://u:hush@mq"
    )
    assert answer.answer == "accepted"
    (message,) = play.task(instance, "b", "error ->> 'message'")
    assert '"amqp://***@mq"' in message


def test_numbers_pass_through_to_the_last_digit(play: Play) -> None:
    steps = [Step("a"), Step("b", ("a",), path("$.steps.a.output"), reads=("a",))]
    instance = play.begin(workflow(*steps))
    (answer,) = play.worker.complete(
        play.take(instance, "a"), output=b"1265793.0395000000000000001"
    )
    assert answer.answer == "accepted"
    assert play.task(instance, "b", "input::text") == ("1265793.0395000000000000001",)


def test_a_completion_repeated_is_answered_with_what_was_recorded(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    play.worker.complete(grant, output=1)
    (again,) = play.worker.complete(grant, output=2)
    assert (again.answer, again.state) == ("repeated", "SUCCEEDED")
    assert play.task(instance, "a", "output") == (1,)
    assert play.log(instance, "b") == ["QUEUED"]


def test_a_completion_under_another_fence_is_stale_and_changes_nothing(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    wrong = Completion(instance, "a", uuid.uuid4(), 1)
    (answer,) = calls.complete_tasks(play.conn, play.worker.id, [wrong])
    assert (answer.answer, answer.state) == ("stale", "RUNNING")
    assert play.worker.grants(grant.fence) == [grant]


# guarantee: complete-fence
def test_the_answer_of_an_attempt_given_out_again_is_stale(play: Play) -> None:
    instance = play.begin(sequence("a"))
    first = play.take(instance, "a")
    play.worker.stop()
    second = Worker(play.conn).take(instance, "a")
    (answer,) = play.worker.complete(first, output="old")
    assert (answer.answer, answer.state) == ("stale", "RUNNING")
    play.worker.complete(second, output="new")
    assert play.task(instance, "a", "output") == ("new",)


def test_a_late_answer_counts_while_nobody_else_has_the_task(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    play.worker.vanish()
    assert play.worker.complete(grant)[0].answer == "accepted"


def test_what_names_no_task_is_stale_without_a_state(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    names = [(uuid.uuid4(), "a"), (instance, "b"), (instance, "none"), (instance, "a/x")]
    answers = calls.complete_tasks(
        play.conn, play.worker.id, [Completion(i, t, uuid.uuid4(), 1) for i, t in names]
    )
    assert [(a.answer, a.state) for a in answers] == [("stale", None)] * 4


# guarantee: row-once
def test_a_task_that_stands_twice_in_one_call_is_completed_once(play: Play) -> None:
    instance = play.begin(diamond())
    grant = play.take(instance, "a")
    answers = play.worker.complete(grant, grant, grant)
    assert {a.answer for a in answers} <= {"accepted", "repeated"}
    assert play.log(instance, "a") == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert play.instance(instance, "open_tasks") == (2,)


def test_one_call_may_hold_answers_of_every_kind_each_in_its_place(play: Play) -> None:
    ids = [play.begin(sequence("a", name=f"flow-{n}")) for n in range(3)]
    done, held = play.take(ids[0], "a"), play.take(ids[1], "a")
    play.worker.complete(done)
    answers = calls.complete_tasks(
        play.conn,
        play.worker.id,
        [
            Completion(ids[2], "a", uuid.uuid4(), 1),
            Completion(held.instance_id, "a", held.fence, 1),
            Completion(done.instance_id, "a", done.fence, 1),
            Completion(ids[2], "?/", uuid.uuid4(), 1),
        ],
    )
    assert [a.answer for a in answers] == ["stale", "accepted", "repeated", "stale"]
    assert [a.instance_id for a in answers] == [ids[2], ids[1], ids[0], ids[2]]


def test_a_join_counts_all_its_edges_that_pass_in_one_call(play: Play) -> None:
    instance = play.begin(fan(8))
    names = [f"s{n:04}" for n in range(8)]
    grants = play.worker.claim(*[Key(instance, name) for name in names])
    play.worker.complete(*grants[:3])
    assert play.value("select passed from onceflow.task where step = 'end'") == 3
    play.worker.complete(*grants[3:5])
    assert play.value("select passed from onceflow.task where step = 'end'") == 5
    assert play.state(instance, "end") == "WAITING"
    play.worker.complete(*grants[5:])
    assert play.log(instance, "end") == ["WAITING", "QUEUED"]


def test_a_join_that_all_its_inputs_reach_at_once_never_waits(play: Play) -> None:
    instance = play.begin(fan(5))
    play.worker.complete(*play.worker.claim_all())
    assert play.log(instance, "end") == ["QUEUED"]


def test_a_branch_skipped_by_its_own_when_passes_into_the_join(play: Play) -> None:
    steps = [
        Step("a"),
        Step("b", ("a",), when=value(False)),
        Step("c", ("b",), when=value(None)),
        Step("d", ("a",)),
        Step("end", ("c", "d")),
    ]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a")
    assert play.states(instance) == {
        "a": "SUCCEEDED",
        "b": "SKIPPED",
        "c": "SKIPPED",
        "d": "QUEUED",
        "end": "WAITING",
    }
    play.complete(instance, "d", "end")
    assert play.state(instance) == "SUCCEEDED"


def test_a_skipped_step_has_no_output_for_those_that_read_it(play: Play) -> None:
    tree = fields(state=path("$.steps.a.state"), output=path("$.steps.a.output"))
    steps = [Step("a", when=value(False)), Step("b", ("a",), tree, reads=("a",))]
    instance = play.begin(workflow(*steps))
    assert play.task(instance, "b", "input") == ({"state": "SKIPPED", "output": None},)


def test_answers_of_a_suspended_instance_are_recorded_and_what_follows_is_held(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    take_messages(play.conn)
    play.worker.complete(grant)
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "READY"}
    assert take_messages(play.conn) == []


def test_a_suspended_instance_succeeds_with_its_last_answer(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    play.worker.complete(grant)
    assert play.instance(instance, "state", "suspended_at", "suspended_by") == (
        "SUCCEEDED",
        None,
        None,
    )


def test_in_a_closing_instance_an_answer_counts_and_nothing_follows(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    grant = play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    assert play.worker.complete(grant, output="done")[0].state == "SUCCEEDED"
    assert play.states(instance) == {"a": "SUCCEEDED", "a.compensate": "QUEUED"}


def test_no_completions_are_no_answers(play: Play) -> None:
    assert calls.complete_tasks(play.conn, play.worker.id, []) == []


@pytest.mark.parametrize("short", ["p_tasks", "p_fences", "p_outputs"])
def test_arrays_that_differ_in_length_are_refused(play: Play, short: str) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    arrays = {
        "p_instance_ids": "array[%(id)s]::uuid[]",
        "p_tasks": "array['a']",
        "p_fences": "array[%(fence)s]::uuid[]",
        "p_outputs": "array['1']::jsonb[]",
        short: "'{}'",
    }
    arguments = ", ".join(f"{name} => {text}" for name, text in arrays.items())
    with pytest.raises(BadArgument):
        calls.base.fetch(
            play.conn,
            f"select * from onceflow.complete_tasks(p_worker_id => null, {arguments})",  # pyright: ignore[reportArgumentType]
            {"id": instance, "fence": grant.fence},  # pyright: ignore[reportArgumentType]
        )
    assert play.state(instance, "a") == "RUNNING"


def test_an_output_that_is_too_large_is_refused_as_a_whole(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    with pytest.raises(BadArgument, match="the output cannot be kept: it has 1440000 bytes"):
        play.worker.complete(grant, output=[uuid.uuid4().hex for _ in range(40_000)])
    assert play.state(instance, "a") == "RUNNING"


# hand-off
