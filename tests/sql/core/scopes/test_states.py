"""docs/state-machine.md draws exactly the transitions that scopes make."""

from typing import Any

import psycopg

from onceflow.engine import calls

from ...play import Play
from ...whole.test_state_machine import drawn
from .support import Blocks, each, task

RECORDED = """
    create table onceflow.moved (was text, state text);
    create function onceflow.move() returns trigger language plpgsql as $$
    begin
        insert into onceflow.moved select case tg_op when 'UPDATE' then old.state end, new.state;
        return null;
    end $$;
    create trigger move after insert or update on onceflow.scope
    for each row execute function onceflow.move();
"""


def test_the_page_draws_exactly_the_transitions_that_scopes_make(
    conn: psycopg.Connection[Any],
) -> None:
    conn.execute(RECORDED)
    play = Play(conn)
    block = each("e", "$.input.items", task("a", undo=True), task("b"), tolerate=1, max_parallel=3)
    branches = {"x": [task("win")], "y": [task("c", undo=True), task("d")]}
    race = {"id": "r", "race": branches}
    run = Blocks(play, block, race, given={"items": [1, 2, 3, 4]})
    run.fails("e[0]/a")
    run.done("e[1]/a", "e[2]/a", "e[3]/a")
    run.done("e[1]/b", "e[2]/b", "e[3]/b")
    run.done("r[1]/c")
    run.done("r[0]/win")
    run.done("r[1]/c.compensate")
    assert run.state() == "SUCCEEDED"
    undone = Blocks(play, block, given={"items": [1, 2, 3, 4]})
    undone.done("e[0]/a")
    undone.fails("e[0]/b")
    undone.done("e[0]/a.compensate")
    calls.cancel_instances(conn, [undone.id])
    cancelled = Blocks(play, block, given={"items": [1, 2, 3, 4]})
    calls.cancel_instances(conn, [cancelled.id])

    moved = play.rows("select coalesce(was, '[*]'), state from onceflow.moved")
    ended = {(state, "[*]") for state in ("SUCCEEDED", "FAILED", "CANCELLED")}
    assert drawn("Scopes") == {(was, state) for was, state in moved if was != state} | ended
