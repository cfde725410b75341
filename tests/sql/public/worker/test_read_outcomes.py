"""read_outcomes"""

import uuid
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Fenced, Grant
from onceflow.engine.errors import BadArgument

from ...play import Play
from ...sessions import Sessions
from ...workflows import sequence


def outcome(play: Play, grant: Grant, fence: UUID | None = None) -> tuple[str, str | None]:
    """Ask for one task's outcome under its fence, or under another."""
    fenced = Fenced(grant.instance_id, grant.task, fence or grant.fence)
    (answer,) = calls.read_outcomes(play.conn, [fenced])
    return answer.answer, answer.state


def test_what_has_no_answer_yet_is_running(play: Play) -> None:
    grant = play.take(play.begin(sequence("a")), "a")
    assert outcome(play, grant) == ("running", "RUNNING")


# guarantee: transaction-completed-outside
def test_what_was_recorded_is_told_by_its_fence(play: Play) -> None:
    done = play.take(play.begin(sequence("a")), "a")
    play.worker.complete(done)
    assert outcome(play, done) == ("repeated", "SUCCEEDED")
    failed = play.take(play.begin(sequence("a")), "a")
    play.worker.fail(failed)
    assert outcome(play, failed) == ("repeated", "RETRYING")


def test_a_fence_that_is_not_the_tasks_is_stale(play: Play) -> None:
    instance = play.begin(sequence("a"))
    first = play.take(instance, "a")
    assert outcome(play, first, uuid.uuid4()) == ("stale", "RUNNING")
    play.worker.give_back(first)
    play.take(instance, "a")
    assert outcome(play, first) == ("stale", "RUNNING")


def test_what_names_no_task_is_stale(play: Play) -> None:
    (answer,) = calls.read_outcomes(play.conn, [Fenced(uuid.uuid4(), "a", uuid.uuid4())])
    assert (answer.answer, answer.state) == ("stale", None)


@pytest.mark.parametrize(("commits", "found"), [(True, "repeated"), (False, "running")])
def test_a_completion_still_under_way_is_awaited(
    play: Play, sessions: Sessions, commits: bool, found: str
) -> None:
    grant = play.take(play.begin(sequence("a", "b")), "a")
    completion = Completion(grant.instance_id, "a", grant.fence, 1)
    fenced = Fenced(grant.instance_id, "a", grant.fence)
    handler, reader = sessions(), sessions()
    handler.begin(lambda conn: calls.complete_tasks(conn, play.worker.id, [completion]))
    waiting = reader.call_blocked(lambda conn: calls.read_outcomes(conn, [fenced]))
    if commits:
        handler.commit()
    else:
        handler.rollback()
    assert [a.answer for a in waiting.result(30)] == [found]


def test_no_fences_are_no_answers(play: Play) -> None:
    assert calls.read_outcomes(play.conn, []) == []


@pytest.mark.parametrize("short", ["p_instance_ids", "p_tasks", "p_fences"])
def test_arrays_that_differ_in_length_are_refused(play: Play, short: str) -> None:
    arrays = {
        "p_instance_ids": "array[gen_random_uuid()]",
        "p_tasks": "array['a']",
        "p_fences": "array[gen_random_uuid()]",
        short: "'{}'",
    }
    arguments = ", ".join(f"{name} => {text}" for name, text in arrays.items())
    with pytest.raises(BadArgument):
        calls.base.fetch(play.conn, f"select * from onceflow.read_outcomes({arguments})")  # pyright: ignore[reportArgumentType]
