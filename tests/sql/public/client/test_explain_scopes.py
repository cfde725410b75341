"""explain_instance, of instances with blocks"""

from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Because

from ....blocks import begin_batch
from ...core.scopes.support import Blocks, each, task
from ...play import Play, execute, pass_time, turn_clock


def told(play: Play, batch: Any) -> dict[str | None, Because]:
    return {reason.task: reason for reason in calls.explain_instance(play.conn, batch)}


def test_a_block_says_what_it_waits_for(play: Play) -> None:
    batch = begin_batch(play.conn, 10_000)
    said = told(play, batch)["invoices"].because
    assert said.startswith(
        "4 of 10,000 have ended, 1 failed (10 % tolerated), 6 at a time; times out at 2"
    )
    pass_time(play.conn, "2 hours")
    assert "; past its timeout since 2" in told(play, batch)["invoices"].because


def said_of(run: Blocks) -> dict[str | None, str]:
    return {reason.task: reason.because for reason in calls.explain_instance(run.play.conn, run.id)}


def test_a_join_says_how_many_more_it_needs(play: Play) -> None:
    branches = {name: [task(name)] for name in ("x", "y", "z")}
    run = Blocks(play, {"id": "p", "parallel": branches, "join": 2})
    assert said_of(run)["p"] == (
        "0 of 3 have ended, 0 of the 2 that it needs succeeded; under way: x, y, z"
    )
    run.done("p[0]/x")
    run.fails("p[1]/y")
    assert said_of(run)["p"] == (
        "2 of 3 have ended, 1 failed, 1 of the 2 that it needs succeeded; under way: z"
    )


def test_a_percentage_that_is_tolerated_is_told_with_what_has_failed(play: Play) -> None:
    items = list(range(8))
    run = Blocks(play, each("e", items, task("a", undo=True), task("b"), tolerate="25%"))
    assert said_of(run)["e"].startswith("0 of 8 have ended, none failed (25 % tolerated)")
    run.done("e[1]/a")
    run.fails("e[0]/a", "e[1]/b")
    told = said_of(run)
    # Item 1 has failed and is being undone: it has not ended.
    assert told["e"].startswith("1 of 8 have ended, 2 failed (25 % tolerated)")
    assert "e, item 1 of 8 (1): compensating, one step after the other, to end as FAILED" in str(
        told
    )


def test_a_way_back_says_what_it_undoes_and_what_is_still_to_come(play: Play) -> None:
    items = each("e", [0, 1, 2], task("a", undo=True), max_parallel=1)
    run = Blocks(play, task("first", undo=True), items, task("last"))
    run.done("first")
    for n in range(3):
        run.done(f"e[{n}]/a")
    calls.cancel_instances(play.conn, [run.id])
    told = said_of(run)
    assert told["e.compensate"] == (
        "undoes its block, the last of its scopes first: 1 under way, at most 2 to come"
    )
    assert told["first.compensate"] == (
        "waits for its turn: compensations run one by one, the last step first"
    )
    run.done("e[2]/a.compensate")
    assert "1 under way, at most 1 to come" in said_of(run)["e.compensate"]


def test_a_block_that_has_failed_says_what_it_goes_on_after(play: Play) -> None:
    branches = {"x": [task("x", undo=True), task("y")], "z": [task("z")]}
    group = {"id": "p", "parallel": branches, "on_failure": "continue", "default": 1}
    run = Blocks(play, group, task("after"))
    run.done("p[0]/x")
    run.take("p[1]/z")
    run.fails("p[0]/y")
    assert "goes on once what still runs in it has ended" in said_of(run)["p"]
    run.done("p[1]/z")
    assert "goes on once what was done in it is undone" in said_of(run)["p"]


def test_a_task_in_scopes_is_named_as_its_user_knows_it(play: Play) -> None:
    turn_clock(play.conn)
    batch = begin_batch(play.conn, 10_000)
    reasons = told(play, batch)
    letter = reasons["send/6"]
    assert letter.because.startswith(
        "invoices, item 5 of 10,000 (order 10253), step send: dead letter after 1 attempt: "
    )
    assert letter.advice == {"verb": "redrive", "args": {"instance": str(batch), "task": "send/6"}}
    assert reasons["draw/10005"].because.startswith(
        "invoices, item 6 of 10,000 (order 10254), pages, item 0 of 1 (1), step draw: "
    )


def test_what_needs_a_person_comes_first_and_no_more_than_can_be_read(play: Play) -> None:
    batch = begin_batch(play.conn, 10_000)
    tasks = [reason.task for reason in calls.explain_instance(play.conn, batch)]
    assert next(task for task in tasks if task) == "send/6"
    assert len(tasks) < 20


def test_scopes_that_close_are_told_of(play: Play) -> None:
    batch = begin_batch(play.conn)
    with play.conn.transaction(force_rollback=True):
        play.conn.execute(
            "update onceflow.scope set state = 'CLOSING', ends_as = 'FAILED',"
            ' error = \'{"code": "x", "message": "gone"}\' where scope = 5'
        )
        said = [reason.because for reason in calls.explain_instance(play.conn, batch)]
    assert (
        "invoices, item 4 of 30 (order 10252): closing, to end as FAILED (gone): it waits for what "
        "still runs"
    ) in said


@pytest.mark.parametrize(
    ("item", "name", "words"),
    [
        ("10248", "order", "order 10248"),
        ('"ALFKI"', None, "ALFKI"),
        ('"a\\u001bb"', None, '"a\\u001bb"'),
        ('{"id": 7, "city": "Lyon"}', "customer", "id 7, city Lyon"),
        ('{"id": 7, "tags": [1, 2]}', None, "id 7, tags [1, 2]"),
        (f'{{"id": 7, "text": "{"x" * 100}"}}', None, "id 7"),
        (f'{{"order_id": 7, "id": 8, "text": "{"x" * 100}"}}', "order", "order_id 7"),
        (f'"{"x" * 100}"', None, None),
        (f'{{"text": "{"x" * 100}"}}', None, None),
        ("null", None, "null"),
        ("{}", None, "{}"),
        ("[]", "x", "x []"),
    ],
)
def test_of_an_item_what_is_short_is_said(
    play: Play, item: str, name: str | None, words: str | None
) -> None:
    found = execute(play.conn, "select onceflow.item_text(%s::jsonb, %s)", item, name).fetchone()
    assert found == (words,)
