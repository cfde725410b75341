"""A claim asks the instance itself, whatever state its task is in.

The functions never leave a QUEUED task in an instance that may not run it; these tests do, by hand.
"""

import uuid
from typing import LiteralString

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play
from ...workflows import Step, sequence, workflow

SUSPENDED: LiteralString = "suspended_at = clock_timestamp(), suspended_by = 'operator'"
CLOSING: LiteralString = "state = 'CLOSING', closing_as = 'CANCELLED'"
AS_BEFORE: LiteralString = (
    "state = 'RUNNING', closing_as = null, suspended_at = null, suspended_by = null"
)


@pytest.mark.parametrize("change", [SUSPENDED, CLOSING])
def test_a_queued_task_is_not_claimed_where_its_instance_may_not_run_it(
    play: Play, change: LiteralString
) -> None:
    instance = play.begin(sequence("a"))
    key = Key(instance, "a")
    play.conn.execute(f"update onceflow.instance set {change}")
    (claimed,) = calls.claim_tasks(play.conn, play.worker.id, uuid.uuid4(), 1, [key])
    assert (claimed.answer, play.state(instance, "a")) == ("skipped", "QUEUED")
    play.conn.execute(f"update onceflow.instance set {AS_BEFORE}")
    (claimed,) = calls.claim_tasks(play.conn, play.worker.id, uuid.uuid4(), 2, [key])
    assert claimed.answer == "granted"


def test_an_open_dead_letter_beside_it_holds_nothing(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), on_failure="suspend"))
    play.fail(instance, "b")
    assert play.instance(instance, "suspended_by") == ("dead_letter",)
    assert [grant.task for grant in play.worker.claim(Key(instance, "a"))] == ["a"]
