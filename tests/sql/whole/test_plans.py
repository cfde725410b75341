"""What a call reads: the rows that it names, in the partitions that hold them, and none before.

Plans are made when the database is empty, and it is never analyzed, as on the first day of a new
installation or of a new week. What is read is counted by Postgres, so these are no measurements of
time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.calls.reads import InstanceFilter, json_rows, list_instances
from onceflow.engine.definition import compile_definition

from ..aged import make_week
from ..play import Connection, Play, keep_unanalyzed, pass_time, read_grants, take_messages
from ..workflows import diamond, fan

WIDTH = 400
NOW = datetime.now(UTC)


@pytest.fixture
def bare(conn: Connection) -> Play:
    """A Play on a database of its own without statistics; plans are made while it is empty."""
    keep_unanalyzed(conn)
    play = Play(conn)
    play.deploy(diamond(name="warm-up"))
    # More often than Postgres tries plans made for the occasion before it settles for one.
    for _ in range(8):
        play.complete(play.start("warm-up"), "a", "b", "c", "d")
    take_messages(conn)
    return play


def fill(play: Play) -> None:
    """Start some instances, each with many tasks that are due at once."""
    play.deploy(fan(WIDTH))
    for _ in range(5):
        play.start("flow")


def claim(play: Play, messages: list[Key]) -> None:
    """Claim, and fetch what was granted as workers do: with the ids that they know."""
    token = play.worker.next_token()
    calls.claim_tasks(play.conn, play.worker.id, token, play.worker.call, messages)
    ids = [key.instance_id for key in messages]
    assert read_grants(play.conn, play.worker.id, token, ids)


def tables_read(play: Play, call: Callable[[], object]) -> dict[str, int]:
    """Return the partitions that a call has looked into, and how many rows it has read there."""
    statement = (
        "select relname, seq_scan + coalesce(idx_scan, 0),"
        " seq_tup_read + coalesce(idx_tup_fetch, 0)"
        " from pg_stat_xact_user_tables where relname ~ '^(instance|task|task_log|scope)_[0-9]+$'"
    )

    def counters() -> dict[str, tuple[int, int]]:
        return {name: (scans, rows) for name, scans, rows in play.rows(statement)}

    with play.conn.transaction():
        before = counters()
        call()
        after = counters()
    return {
        name: rows - before.get(name, (0, 0))[1]
        for name, (scans, rows) in after.items()
        if scans > before.get(name, (0, 0))[0]
    }


def undo(play: Play, items: int) -> None:
    """Have so many items of a for_each done, and undone, a few at a time."""
    a = {"id": "a", "task": "work", "compensate": {"task": "undo"}}
    each = {"id": "e", "for_each": "$.input.items", "steps": [a], "max_parallel": 10}
    steps = [each, {"id": "z", "task": "work"}]
    play.deploy(compile_definition({"name": "undone", "steps": steps}))
    instance = play.start("undone", {"items": list(range(items))})
    grants = play.worker.claim_all()
    while "z" not in [grant.task for grant in grants]:
        _, grants = play.worker.complete_and_take(*grants, room=10)
    play.worker.fail(*grants, retryable=False)
    grants = play.worker.claim_all()
    while grants:
        _, grants = play.worker.complete_and_take(*grants, room=10)
    assert play.state(instance) == "COMPENSATED"


def tasks_read(play: Play, call: Callable[[], object]) -> int:
    """Return how many rows of tasks a call has read."""
    found = tables_read(play, call)
    return sum(rows for name, rows in found.items() if name.startswith("task_2"))


@pytest.mark.parametrize("few", [10, WIDTH])
def test_a_claim_reads_each_of_its_tasks_a_few_times(bare: Play, few: int) -> None:
    fill(bare)
    messages = take_messages(bare.conn)[:few]
    read = tasks_read(bare, lambda: claim(bare, messages))
    assert few <= read < 20 * few


@pytest.mark.parametrize("few", [10, WIDTH])
def test_a_completion_reads_each_of_its_tasks_a_few_times(bare: Play, few: int) -> None:
    fill(bare)
    grants = bare.worker.claim(*take_messages(bare.conn)[:few])
    read = tasks_read(bare, lambda: bare.worker.complete(*grants))
    assert few <= read < 20 * few


def test_of_a_block_that_is_undone_each_scope_is_read_a_few_times(bare: Play) -> None:
    undo(bare, 200)
    found = tables_read(bare, lambda: undo(bare, 200))
    read = sum(rows for name, rows in found.items() if name.startswith(("scope_2", "task_2")))
    assert 200 <= read < 80 * 200


def test_a_list_of_those_in_a_state_does_not_read_past_children(bare: Play) -> None:
    bare.deploy(compile_definition({"name": "part", "steps": [{"id": "a", "task": "work"}]}))
    each = {"id": "e", "for_each": "$.input.n", "steps": [{"id": "c", "workflow": "part"}]}
    bare.deploy(compile_definition({"name": "many", "steps": [each]}))
    bare.start("part")
    bare.start("many", {"n": list(range(100))})
    while calls.apply_deliveries(bare.conn, 1000):
        pass
    asked = list_instances("id", InstanceFilter(states=["RUNNING"]), 10)
    found = tables_read(bare, lambda: json_rows(bare.conn, asked))
    assert bare.value("select count(*) from onceflow.instances where parent_id is not null") == 100
    assert len(json_rows(bare.conn, asked)) == 2
    assert sum(found.values()) < 20


@pytest.mark.parametrize("call", ["claim", "complete", "cancel", "resume"])
def test_history_is_not_looked_into(bare: Play, call: str) -> None:
    for weeks in range(4, 12):
        make_week(bare.conn, NOW - timedelta(weeks=weeks))
    bare.deploy(diamond())
    ids = [bare.start("flow") for _ in range(3)]
    messages = take_messages(bare.conn)
    grants = bare.worker.claim(*messages) if call == "complete" else []
    run: dict[str, Callable[[], object]] = {
        "claim": lambda: claim(bare, messages),
        "complete": lambda: bare.worker.complete(*grants),
        "cancel": lambda: calls.cancel_instances(bare.conn, ids),
        "resume": lambda: calls.resume_instances(bare.conn, ids),
    }
    found = tables_read(bare, run[call])
    # The partitions made ahead are empty; how much history there is must not matter.
    assert {name for name in found if name.rpartition("_")[2] < this_week(bare)} == set()
    assert found


def this_week(play: Play) -> str:
    """Return how the names of this week's partitions end."""
    return play.value(
        "select substring(tableoid::regclass::text from '[0-9]+$') from onceflow.instance limit 1"
    )


def test_nothing_that_happens_to_an_instance_seeks_it_by_its_version(bare: Play) -> None:
    steps = [
        {"id": "a", "task": "work", "retry": {"attempts": 2, "backoff": "1s"}},
        {"id": "n", "sleep": "1m"},
        {"id": "s", "wait_for": "paid", "timeout": "1h"},
        {"id": "z", "set": "$.input"},
    ]
    lone = [{"id": "z", "set": 1}]
    bare.deploy(compile_definition({"name": "all", "steps": steps, "deadline": "1d"}))
    bare.deploy(compile_definition({"name": "lone", "steps": lone, "output": "$.steps.z.output"}))
    bare.conn.execute("select onceflow.set_clock(now())")
    for fails in (False, True):
        bare.start("lone")
        instance = bare.start("all")
        bare.worker.fail(*bare.worker.claim_all())
        pass_time(bare.conn, "1 minute")
        bare.tick()
        if fails:
            bare.worker.fail(*bare.worker.claim_all(), retryable=False)
        else:
            bare.worker.complete(*bare.worker.claim_all())
        pass_time(bare.conn, "1 minute")
        bare.tick()
        pass_time(bare.conn, "1 hour")
        bare.tick()
        pass_time(bare.conn, "1 day")
        bare.tick()
        assert bare.state(instance) == "COMPENSATED"
    bare.conn.execute("select pg_stat_force_next_flush()")
    sought = "select indexrelname from pg_stat_user_indexes where idx_scan > 0"
    names = {n.split("_", 2)[2] for (n,) in bare.rows(sought) if n.startswith("instance_2")}
    assert "pkey" in names
    assert "version_id_id_idx" not in names
