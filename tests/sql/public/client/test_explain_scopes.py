"""explain_instance, of instances with blocks"""

from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Because

from ....blocks import begin_batch
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
