"""The views of what is inside an instance: scopes, blocks, and where tasks lie."""

from onceflow.engine import calls
from onceflow.engine.calls.lists import dead_letters
from onceflow.engine.calls.reads import json_rows

from ....blocks import PAGES, begin_batch
from ...play import Play


def test_a_scope_tells_whose_it_is_and_what_it_was_given(play: Play) -> None:
    batch = begin_batch(play.conn)
    of = "select {} from onceflow.scopes where instance_id = %s and scope = %s"
    columns = (
        "block, block_task, parent, kind, ordinal, branch, state, item, error ->> 'code', path"
    )
    assert play.row(of.format(columns), batch, 4) == (
        *("invoices", "invoices", 0, "for_each", 3, None, "FAILED", {"order": 10251}),
        *("pdf.broken", "invoices[3]"),
    )
    assert play.row(of.format("block_task, parent, path"), batch, PAGES) == (
        *("pages/7", 7, "invoices[6]/pages[0]"),
    )


def test_a_block_counts_its_scopes_by_state(play: Play) -> None:
    batch = begin_batch(play.conn)
    columns = "total, scopes, failed, needed, percent, max_parallel, fails"
    assert play.row(
        f"select {columns} from onceflow.blocks where instance_id = %s and task = 'invoices'", batch
    ) == (*(30, {"SUCCEEDED": 3, "FAILED": 1, "OPEN": 6, "WAITING": 20}, 1, None, 10, 6, None),)


def test_a_task_tells_where_it_lies(play: Play) -> None:
    batch = begin_batch(play.conn)
    paths = dict(play.rows("select task, path from onceflow.tasks where instance_id = %s", batch))
    assert paths["fetch"] == "fetch"
    assert paths["render/4"] == "invoices[3]/render"
    assert paths[f"draw/{PAGES}"] == "invoices[6]/pages[0]/draw"
    logged = play.rows(
        "select task, path from onceflow.transitions where instance_id = %s and scope = 4", batch
    )
    assert (None, "invoices[3]") in logged  # the scope itself


def test_steps_stand_in_their_blocks_in_the_order_written(play: Play) -> None:
    begin_batch(play.conn)
    steps = play.rows("select step, block, list, position from onceflow.steps order by position")
    assert [step for step, *_ in steps][:4] == ["fetch", "invoices", "render", "pages"]
    assert ("draw", "pages", 0, 4) in steps
    assert ("ask", "checks", 1, 8) in steps


def test_dead_letters_are_found_by_the_blocks_around_them(play: Play) -> None:
    begin_batch(play.conn)

    def found(step: str) -> list[str]:
        wanted = dead_letters.DeadLetterFilter(step=step, code="smtp.*")
        return [
            row["task"]
            for row in json_rows(play.conn, dead_letters.list_dead_letters("task", wanted, 9))
        ]

    assert found("send") == found("invoices") == ["send/6"]
    assert found("render") == found("pages") == []


def test_readers_need_no_right_on_what_views_call(play: Play) -> None:
    """A view's functions run with the rights of its reader, who may read no table."""
    batch = begin_batch(play.conn)
    play.conn.execute("create role reader_of_scopes")
    try:
        play.conn.execute("select onceflow.grant_access('reader_of_scopes', 'client')")
        play.conn.execute("set role reader_of_scopes")
        play.rows("select * from onceflow.scopes where instance_id = %s", batch)
        play.rows("select * from onceflow.blocks where instance_id = %s", batch)
        play.rows("select * from onceflow.tasks where instance_id = %s", batch)
        play.rows("select * from onceflow.dead_letters where instance_id = %s", batch)
        assert calls.explain_instance(play.conn, batch)
    finally:
        play.conn.execute("reset role")
        play.conn.execute("drop owned by reader_of_scopes")
        play.conn.execute("drop role reader_of_scopes")
