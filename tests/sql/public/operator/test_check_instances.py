"""check_instances: each fault is made by hand, and found"""

from collections.abc import Iterator

import pytest

from onceflow.engine import calls

from ...core.scopes.support import Blocks, each, task
from ...play import Play, execute
from ...workflows import Step, fan, sequence, workflow


@pytest.fixture
def broken(play: Play) -> Iterator[Play]:
    """A Play whose invariants may be broken by the test."""
    yield play
    play.conn.execute("delete from onceflow.instance")


def faults(play: Play) -> list[str]:
    """Return the faults found in all instances."""
    return [found.fault for found in calls.check_instances(play.conn)]


def test_a_sound_database_has_none(play: Play) -> None:
    play.begin(fan(3))
    play.complete(play.begin(sequence("a", name="done")), "a")
    assert faults(play) == []


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (
            "update onceflow.instance set open_tasks = 7",
            "open_tasks is 7, open rows are 3",
        ),
        (
            "update onceflow.instance set seq = 9",
            "seq is 9, the log has 2 numbers up to 2",
        ),
        (
            "delete from onceflow.task_log where seq = 1",
            "seq is 2, the log has 1 numbers up to 2",
        ),
        (
            "update onceflow.instance set suspended_at = now(), suspended_by = 'operator'",
            "suspended by an operator with QUEUED tasks",
        ),
        (
            "update onceflow.instance set state = 'CLOSING', closing_as = 'FAILED'",
            "CLOSING with open tasks that neither run nor undo",
        ),
        (
            "update onceflow.task set passed = 2 where step = 'end'",
            "join end counts 2 edges, 1 have passed",
        ),
        (
            "update onceflow.task set state = 'DEAD_LETTER', error = '{}', queued_xid = null"
            " where step = 's0001'",
            "an open dead letter, but not told",
        ),
        (
            "update onceflow.instance set suspended_at = now(), suspended_by = 'dead_letter'",
            "told to have an open dead letter, but has none",
        ),
    ],
)
def test_a_fault_is_found_and_named(broken: Play, damage: str, fault: str) -> None:
    instance = broken.begin(fan(3))
    broken.complete(instance, "s0000")
    execute(broken.conn, damage)
    assert faults(broken) == [fault]
    (found,) = calls.check_instances(broken.conn, [instance])
    assert found.instance_id == instance


# guarantee: scope-faults
@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (
            "update onceflow.scope set open = 5 where scope = 1",
            "scope 1 counts 5 open tasks, and has 1",
        ),
        (
            "update onceflow.scope set live = 1 where scope = 1",
            "scope 1 counts 1 blocks that live, and has 0",
        ),
        (
            "update onceflow.block set succeeded = 2",
            "block e/0 counts {3,2,2,0,2,2}, and there are {3,2,2,0,0,2}",
        ),
    ],
)
def test_a_wrong_count_of_a_scope_or_block_is_found_and_named(
    broken: Play, damage: str, fault: str
) -> None:
    run = Blocks(
        broken, each("e", "$.input.items", task("a"), max_parallel=2), given={"items": [1, 2, 3]}
    )
    execute(broken.conn, damage)
    assert faults(broken) == [fault]
    broken.conn.execute("delete from onceflow.scope where instance_id = %s", (run.id,))
    broken.conn.execute("delete from onceflow.block where instance_id = %s", (run.id,))


def test_an_instance_with_nothing_open_must_have_ended(broken: Play) -> None:
    instance = broken.begin(sequence("a"))
    broken.complete(instance, "a")
    broken.conn.execute("update onceflow.instance set state = 'RUNNING', ended_at = null")
    assert faults(broken) == ["nothing is open, but it has not ended"]


def test_only_the_instances_named_are_looked_at(broken: Play) -> None:
    sound = broken.begin(sequence("a", name="sound"))
    faulty = broken.begin(workflow(Step("a")))
    broken.conn.execute("update onceflow.instance set seq = 9 where id = %s", (faulty,))
    assert calls.check_instances(broken.conn, [sound]) == []
    assert calls.check_instances(broken.conn, []) == []
    assert [f.instance_id for f in calls.check_instances(broken.conn)] == [faulty]
