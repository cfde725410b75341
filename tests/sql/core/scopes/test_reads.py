"""What a transition of a wide instance reads: the items that it names, and none of the others."""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Failure

from ...play import Connection, Play, keep_unanalyzed, rows_read
from .support import Blocks, each, task

ITEMS = "$.input.items"
MOVED = 40
"""Items that a call moves on, of however many."""


@pytest.fixture(params=["never", "when there was little"])
def bare(conn: Connection, request: pytest.FixtureRequest) -> Play:
    """A Play on a database of its own, whose plans are made while it is empty, and stay.

    Or once Postgres was told of some instances that have a row or two each: any index that finds
    all rows of an instance seems then as good as the one that finds the row.
    """
    keep_unanalyzed(conn)
    play = Play(conn)
    if request.param != "never":
        warm_up(play)
        conn.execute("analyze onceflow.instance, onceflow.task, onceflow.scope, onceflow.block")
    warm_up(play)
    warm_up(play)
    return play


def warm_up(play: Play) -> None:
    """Have a few instances go both ways.

    Twice, more often than Postgres tries plans made for the occasion before it settles for one.
    """
    for _ in range(4):
        run = Blocks(play, *workflow(), given={"items": [1]})
        run.done("e[0]/a")
        run.done("e[0]/b")
        run = Blocks(play, *workflow(), given={"items": [1]})
        run.done("e[0]/a")
        run.fails("e[0]/b")
        run.done("e[0]/a.compensate")


def workflow() -> list[object]:
    return [each("e", ITEMS, task("a", undo=True), task("b"), tolerate="100%", max_parallel=5000)]


READ = "^(scope|block|task)_[0-9]+$"
"""The tables of scopes, blocks and tasks."""


@pytest.mark.parametrize("width", [100, 1000])
@pytest.mark.parametrize("step", ["a", "b", "fails"])
def test_a_call_reads_each_of_its_items_a_few_times(bare: Play, width: int, step: str) -> None:
    run = Blocks(bare, *workflow(), given={"items": list(range(width))})
    firsts = [f"e[{n}]/a" for n in range(MOVED)]
    seconds = [f"e[{n}]/b" for n in range(MOVED)]
    run.take(*firsts)
    if step != "a":
        run.done(*firsts)
        run.take(*seconds)
    held = [run.grants[path] for path in (firsts if step == "a" else seconds)]
    with bare.conn.transaction():
        before = rows_read(bare.conn, READ)
        if step == "fails":
            error = {"code": "bad", "message": "it failed"}
            failures = [Failure(run.id, g.task, g.fence, error, False) for g in held]
            calls.fail_tasks(bare.conn, failures)
        else:
            bare.worker.complete(*held)
        read = rows_read(bare.conn, READ) - before
    assert MOVED <= read < 80 * MOVED


@pytest.fixture
def wide(bare: Play) -> Blocks:
    """An instance of a thousand items under way, of which some have dead letters."""
    steps = [each("e", ITEMS, task("a"), max_parallel=5000)]
    run = Blocks(bare, *steps, given={"items": list(range(1000))}, on_failure="suspend")
    run.fails(*(f"e[{n}]/a" for n in range(MOVED)))
    return run


# guarantee: explain-by-key
def test_explaining_reads_what_it_tells_of_and_looks_once_for_what_is_under_way(
    bare: Play, wide: Blocks
) -> None:
    with bare.conn.transaction():
        before = rows_read(bare.conn, READ)
        told = calls.explain_instance(bare.conn, wide.id)
        read = rows_read(bare.conn, READ) - before
    assert sum(reason.task is not None for reason in told) >= MOVED
    assert MOVED <= read < 3_000  # a join for each letter has read 40,000


# guarantee: places-by-key
def test_telling_where_scopes_lie_reads_these(bare: Play, wide: Blocks) -> None:
    scopes = list(range(1, MOVED + 1))
    with bare.conn.transaction():
        before = rows_read(bare.conn, READ)
        places = bare.rows("select * from onceflow.scope_places(%s, %s)", wide.id, scopes)
        read = rows_read(bare.conn, READ) - before
    assert [place for _, place in sorted(places)] == [f"e[{n}]" for n in range(MOVED)]
    assert MOVED <= read < 12 * MOVED


def test_undoing_an_item_writes_its_compensation_three_times_and_its_scope_twice(
    play: Play,
) -> None:
    steps = each("e", ITEMS, task("a", undo=True), max_parallel=MOVED)
    run = Blocks(play, steps, task("z"), given={"items": list(range(MOVED))})
    run.done(*(f"e[{n}]/a" for n in range(MOVED)))
    run.take("z")
    with play.conn.transaction():
        before = written(play)
        run.fails("z")  # plans all, and queues them
        run.done(*(f"e[{n}]/a.compensate" for n in range(MOVED)))
        tasks, scopes = (written(play)[n] - before[n] for n in range(2))
    assert run.state() == "COMPENSATED"
    # Made as due, claimed, ended; and a few rows of the block and of z.
    assert 3 * MOVED <= tasks <= 3 * MOVED + 6
    assert scopes == 2 * MOVED  # its way back begins, and ends


def written(play: Play) -> tuple[int, int]:
    """Return how many versions of rows of tasks and of scopes this session has written so far."""
    return play.row(
        "select sum(n_tup_ins + n_tup_upd) filter (where relname ~ '^task_[0-9]+$')::int,"
        " sum(n_tup_ins + n_tup_upd) filter (where relname ~ '^scope_[0-9]+$')::int"
        " from pg_stat_xact_user_tables"
    )
