"""Every function in every state, held against a table written by hand and the page that has it."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import (
    Completion,
    Deferral,
    Failure,
    Fenced,
    GiveBack,
    Key,
    token_of,
)

from ..play import Play, pass_time, put_message
from ..workflows import Step, path, sequence, value, workflow
from . import situations, state_table
from .state_table import arrow, parse
from .subject import Subject

PAGE = Path(__file__).parents[3] / "docs" / "state-machine.md"
ERROR = {"code": "x", "message": ""}
FOR_EVER = "9223372036854775807"


def fence_of(play: Play, subject: Subject) -> uuid.UUID:
    """Return the fence that the task's row bears, or one that nobody has."""
    rows = play.rows(
        "select fence from onceflow.task"
        " where instance_id = %s and onceflow.task_name(step, scope, visit) = %s"
        " and fence is not null",
        subject.instance,
        subject.task,
    )
    return rows[0][0] if rows else uuid.uuid4()


def claim(play: Play, subject: Subject) -> str:
    key = Key(subject.instance, str(subject.task))
    return calls.claim_tasks(play.conn, play.worker.id, uuid.uuid4(), 99, [key])[0].answer


def take(play: Play, subject: Subject) -> str:
    """Take a message that names the task and is alone in the outbox."""
    play.conn.execute("delete from onceflow.outbox")
    put_message(play, Key(subject.instance, str(subject.task)))
    taken = calls.take_tasks(play.conn, play.worker.id, uuid.uuid4(), 99, ["default"], 10)
    return taken[0].answer if taken else ""


def complete(play: Play, subject: Subject, fence: uuid.UUID) -> str:
    completion = Completion(subject.instance, str(subject.task), fence, "done")
    return calls.complete_tasks(play.conn, play.worker.id, [completion])[0].answer


def fail(play: Play, subject: Subject, fence: uuid.UUID, retryable: bool) -> str:
    failure = Failure(subject.instance, str(subject.task), fence, ERROR, retryable)
    return calls.fail_tasks(play.conn, [failure])[0].answer


def give_back(play: Play, subject: Subject, fence: uuid.UUID) -> str:
    item = GiveBack(subject.instance, str(subject.task), fence, True)
    return calls.give_back_tasks(play.conn, [item])[0].answer


def defer(play: Play, subject: Subject, fence: uuid.UUID) -> str:
    item = Deferral(subject.instance, str(subject.task), fence, 60)
    return calls.defer_tasks(play.conn, [item])[0].answer


def complete_outside(play: Play, subject: Subject) -> str:
    token = token_of(subject.instance, str(subject.task), fence_of(play, subject))
    return calls.complete_deferred_tasks(play.conn, [token], ["done"])[0].answer


def fail_outside(play: Play, subject: Subject, retryable: bool) -> str:
    token = token_of(subject.instance, str(subject.task), fence_of(play, subject))
    return calls.fail_deferred_tasks(play.conn, [token], [ERROR], [retryable])[0].answer


def tick_later(play: Play, interval: str) -> str:
    pass_time(play.conn, interval)
    play.tick()
    return ""


def tick_dead(play: Play) -> str:
    play.worker.vanish()
    play.tick()
    return ""


def renew(play: Play) -> str:
    play.worker.call = 1000
    play.worker.renew()
    return ""


def stop(play: Play) -> str:
    play.worker.stop()
    return ""


def requeue(play: Play) -> str:
    calls.requeue_lost_tasks(play.conn, "default", FOR_EVER, 100)
    return ""


def redrive(play: Play, subject: Subject) -> str:
    keys = [Key(subject.instance, str(subject.task))]
    return calls.redrive_dead_letters(play.conn, keys, [[1]])[0].outcome


def skip(play: Play, subject: Subject) -> str:
    keys = [Key(subject.instance, str(subject.task))]
    return calls.skip_dead_letters(play.conn, keys, [1])[0].outcome


def discard(play: Play, subject: Subject) -> str:
    keys = [Key(subject.instance, str(subject.task))]
    return calls.discard_dead_letters(play.conn, keys)[0].outcome


def start_again(play: Play) -> str:
    (started,) = calls.start_instances(play.conn, "flow", [{}], ["key"], version=1)
    return started.outcome


FUNCTIONS: dict[str, Callable[[Play, Subject], str]] = {
    "claim_tasks": claim,
    "take_tasks": take,
    "complete_tasks": lambda play, subject: complete(play, subject, fence_of(play, subject)),
    "fail_tasks, retryable": lambda play, subject: fail(
        play, subject, fence_of(play, subject), True
    ),
    "fail_tasks, for good": lambda play, subject: fail(
        play, subject, fence_of(play, subject), False
    ),
    "give_back_tasks": lambda play, subject: give_back(play, subject, fence_of(play, subject)),
    "defer_tasks": lambda play, subject: defer(play, subject, fence_of(play, subject)),
    "complete_deferred_tasks": complete_outside,
    "fail_deferred_tasks, retryable": lambda play, subject: fail_outside(play, subject, True),
    "fail_deferred_tasks, for good": lambda play, subject: fail_outside(play, subject, False),
    "clock, an hour later": lambda play, _: tick_later(play, "1 hour"),
    "clock, past its deadline": lambda play, _: tick_later(play, "101 days"),
    "clock, its worker dead": lambda play, _: tick_dead(play),
    "renew_worker, its token unknown": lambda play, _: renew(play),
    "stop_worker": lambda play, _: stop(play),
    "requeue_lost_tasks": lambda play, _: requeue(play),
    "redrive_dead_letters": redrive,
    "skip_dead_letters": skip,
    "discard_dead_letters": discard,
    "cancel_instances": lambda play, subject: (
        calls.cancel_instances(play.conn, [subject.instance])[0].outcome
    ),
    "suspend_instances": lambda play, subject: (
        calls.suspend_instances(play.conn, [subject.instance])[0].outcome
    ),
    "resume_instances": lambda play, subject: (
        calls.resume_instances(play.conn, [subject.instance])[0].outcome
    ),
    "start_instances, its key": lambda play, _: start_again(play),
}


def task_label(play: Play, subject: Subject) -> tuple[str, int]:
    """Return the task's state as the table has it, and how long its log is."""
    rows = play.rows(
        "select state, open from onceflow.tasks where instance_id = %s and task = %s",
        subject.instance,
        subject.task,
    )
    state, is_open = rows[0] if rows else ("no such task", False)
    record = ", record" if state == "DEAD_LETTER" and not is_open else ""
    length = play.value(
        "select count(*) from onceflow.transitions"
        " where instance_id = %s and task is not distinct from %s",
        subject.instance,
        subject.task,
    )
    return state + record, length


def instance_label(play: Play, instance: uuid.UUID) -> str:
    """Return the instance's state as the table has it."""
    state, by = play.instance(instance, "state", "suspended_by")
    return state + {None: "", "operator": ", suspended", "dead_letter": ", dead letter"}[by]


def try_function(
    play: Play,
    name: str,
    subject: Subject,
    functions: dict[str, Callable[[Play, Subject], str]] = FUNCTIONS,
) -> str:
    """Call a function, look at what it did, roll it back, and return the cell that tells."""
    with play.conn.transaction(force_rollback=True):
        task, instance = task_label(play, subject), instance_label(play, subject.instance)
        cell = functions[name](play, subject)
        new_task, new_instance = task_label(play, subject), instance_label(play, subject.instance)
        assert calls.check_instances(play.conn) == []
    if subject.task is not None and new_task != task:
        cell += f" → {new_task[0]}"
    if new_instance != instance:
        cell += f" · {new_instance}"
    return cell.strip() or "—"


@pytest.mark.parametrize("situation", situations.TASKS)
def test_every_function_does_to_a_task_what_the_table_says(play: Play, situation: str) -> None:
    subject = situations.TASKS[situation](play)
    task, _, instance = situation.partition(" / ")
    assert instance_label(play, subject.instance) == instance
    assert task_label(play, subject)[0] in (task, task.partition(",")[0])
    for text in state_table.TASK_TABLES.values():
        expected = parse(text)[situation]
        found = {name: try_function(play, name, subject) for name in expected}
        assert found == expected


@pytest.mark.parametrize("situation", situations.INSTANCES)
def test_every_function_does_to_an_instance_what_the_table_says(play: Play, situation: str) -> None:
    instance = situations.INSTANCES[situation](play)
    assert instance_label(play, instance) in (situation, situation.partition(",")[0])
    expected = parse(state_table.INSTANCES)[situation]
    found = {name: try_function(play, name, Subject(instance)) for name in expected}
    assert found == expected


# guarantee: complete-fence
@pytest.mark.parametrize("situation", situations.TASKS)
def test_in_every_state_an_answer_under_another_fence_is_stale_and_changes_nothing(
    play: Play, situation: str
) -> None:
    subject = situations.TASKS[situation](play)
    before = play.rows("select * from onceflow.task order by 1, 2")
    answers = [
        complete(play, subject, uuid.uuid4()),
        fail(play, subject, uuid.uuid4(), True),
        fail(play, subject, uuid.uuid4(), False),
        give_back(play, subject, uuid.uuid4()),
        defer(play, subject, uuid.uuid4()),
        calls.read_outcomes(play.conn, [Fenced(subject.instance, str(subject.task), uuid.uuid4())])[
            0
        ].answer,
    ]
    assert set(answers) == {"stale"}
    assert play.rows("select * from onceflow.task order by 1, 2") == before


@pytest.mark.parametrize("situation", situations.TASKS)
def test_in_every_state_the_outcome_read_is_what_a_completion_would_be_told(
    play: Play, situation: str
) -> None:
    subject = situations.TASKS[situation](play)
    fenced = Fenced(subject.instance, str(subject.task), fence_of(play, subject))
    (read,) = calls.read_outcomes(play.conn, [fenced])
    told = parse(state_table.BY_WORKERS)[situation]["complete_tasks"].split()[0]
    # The worker's own answer is recorded: that somebody else is to complete it.
    unanswered = "repeated" if situation.startswith("WAITING, an answer") else "running"
    assert read.answer == {"accepted": unanswered}.get(told, told)


def make_due(play: Play, case: str) -> tuple[uuid.UUID, str]:
    """Bring a step into being as a row of the table says."""
    if case == "of a RUNNING instance":
        return play.begin(sequence("b")), "b"
    if case == "of a RUNNING instance, handed off":
        instance = play.begin(sequence("a", "b"))
        play.worker.complete_and_take(play.take(instance, "a"))
        return instance, "b"
    if case == "of a RUNNING instance, its queue paused":
        instance = play.begin(sequence("a", "b"))
        grant = play.take(instance, "a")
        calls.pause_queues(play.conn, ["default"])
        play.worker.complete_and_take(grant)
        return instance, "b"
    if case == "of a suspended instance":
        instance = play.begin(sequence("a", "b"))
        grant = play.take(instance, "a")
        calls.suspend_instances(play.conn, [instance])
        play.worker.complete(grant)
        return instance, "b"
    if case == "whose when says no":
        return play.begin(workflow(Step("b", when=value(False)), Step("c"))), "b"
    if case == "whose expression fails, and its instance continues":
        return play.begin(workflow(Step("b", input=path("$.x"), on_failure="continue"))), "b"
    if case == "of the kind set":
        return play.begin(workflow(Step("b", kind="set", input=value(1)))), "b"
    if case == "of the kind fail":
        step = Step("b", kind="fail", input=value({"code": "no"}), on_failure="suspend")
        return play.begin(workflow(step)), "b"
    if case == "whose expression fails":
        return play.begin(workflow(Step("b", input=path("$.x")), on_failure="suspend")), "b"
    assert case == "before all edges into it have passed"
    instance = play.begin(workflow(Step("a"), Step("x"), Step("b", ("a", "x"))))
    play.complete(instance, "a")
    return instance, "b"


@pytest.mark.parametrize("case", parse(state_table.DUE))
def test_a_step_that_comes_due_is_made_as_the_table_says(play: Play, case: str) -> None:
    instance, task = make_due(play, case)
    assert play.log(instance, task) == [parse(state_table.DUE)[case]["is made"]]


JOINED = ("QUEUED", "RUNNING", "READY", "SKIPPED", "DEAD_LETTER")


@pytest.mark.parametrize("state", [*JOINED, "SUCCEEDED", "FAILED"])
def test_a_join_leaves_waiting_to_what_a_due_step_is_made_to(play: Play, state: str) -> None:
    options = {
        "SKIPPED": {"when": value(False)},
        "DEAD_LETTER": {"input": path("$.x"), "on_failure": "suspend"},
        "FAILED": {"input": path("$.x"), "on_failure": "continue"},
        "SUCCEEDED": {"kind": "set", "input": value(1)},
    }
    join = Step("join", ("a", "b"), **options.get(state, {}))  # pyright: ignore[reportArgumentType]
    instance = play.begin(workflow(Step("a"), Step("b"), join))
    grants = play.worker.claim_all()
    play.worker.complete(grants[0])
    if state == "READY":
        calls.suspend_instances(play.conn, [instance])
    play.worker.complete_and_take(grants[1], room=1 if state == "RUNNING" else 0)
    assert play.log(instance, "join") == ["WAITING", state]


# the page


def drawn(name: str) -> set[tuple[str, str]]:
    """Return the transitions that a Mermaid drawing of the page has, under a heading."""
    section = PAGE.read_text().partition(f"## {name}\n")[2].partition("\n## ")[0]
    drawing = section.partition("```mermaid")[2].partition("```")[0]
    return set(re.findall(r"^\s*(\S+) --> (\S+?)(?: *:.*)?$", drawing, re.MULTILINE))


@pytest.mark.parametrize("name", state_table.ALL_TABLES)
def test_the_page_has_the_table_as_it_is_tested(name: str) -> None:
    section = PAGE.read_text().partition(f"### {name}\n")[2].partition("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert parse("\n".join(lines)) == parse(state_table.ALL_TABLES[name])


def test_the_page_draws_exactly_the_transitions_of_tasks_that_the_tables_have() -> None:
    made = {("[*]", row["is made"]) for row in parse(state_table.DUE).values()}
    joined = {("WAITING", s) for s in (*JOINED, "SUCCEEDED", "FAILED")}
    moved: set[tuple[str, str]] = set()
    for text in state_table.TASK_TABLES.values():
        for situation, row in parse(text).items():
            was = situation.partition(" /")[0].partition(",")[0]
            moved |= {(was, new) for cell in row.values() if (new := arrow(cell))}
    ended = {(s, "[*]") for s in ("SUCCEEDED", "SKIPPED", "CANCELLED", "DEAD_LETTER", "FAILED")}
    # Limits of steps: tests/sql/public/relay/test_limits.py tries them.
    late = {(s, new) for s in ("QUEUED", "READY", "RETRYING") for new in ("DEAD_LETTER", "FAILED")}
    assert drawn("Tasks") == {
        (was, new) for was, new in made | joined | moved | ended | late if was != new
    }


def test_the_page_draws_exactly_the_transitions_that_instances_make(play: Play) -> None:
    found: set[tuple[str, str]] = set()
    for n, build in enumerate([*situations.INSTANCES.values(), closing_to_failed, given_up]):
        play.conn.execute("delete from onceflow.idempotency_key")
        instance = build(play)
        log = play.log(instance, None)
        found |= set(zip(["[*]", *log], log, strict=False))
        assert log[0] == "RUNNING", n
    ended = {(s, "[*]") for s in ("SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED")}
    undone = ("CLOSING", "COMPENSATED"), ("CLOSING", "CANCELLED")
    # Children that their parents undo: tests/sql/core/children tries them.
    reopened = ("SUCCEEDED", "COMPENSATING"), ("SUCCEEDED", "COMPENSATED")
    assert drawn("Instances") == found | ended | {*undone, *reopened}


def closing_to_failed(play: Play) -> uuid.UUID:
    """An instance that fails without a way back."""
    instance = play.begin(sequence("a", on_failure="fail"))
    play.fail(instance, "a")
    return instance


def given_up(play: Play) -> uuid.UUID:
    """An instance whose compensation was given up."""
    subject = situations.undo_dead_letter(play)
    discard(play, subject)
    return subject.instance


def test_the_hand_written_tables_speak_of_every_situation() -> None:
    for text in state_table.TASK_TABLES.values():
        assert list(parse(text)) == list(situations.TASKS)
    assert list(parse(state_table.INSTANCES)) == list(situations.INSTANCES)


def test_every_state_that_the_schema_knows_is_tried(play: Play) -> None:
    for table, tried in (("task", situations.TASKS), ("instance", situations.INSTANCES)):
        check = play.value("select prosrc from pg_proc where proname = %s", f"{table}_fits")
        check = check.partition(f"then '{table}_state'")[0]
        names = {re.split("[, ]", situation)[0] for situation in tried}
        known = ",".join(re.findall(r"'{([\w,]+)}'", check)).split(",")
        assert names - {"no"} == set(known)
