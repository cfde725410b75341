"""complete_deferred_tasks: answers from outside, by token"""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Deferral, Grant, token_of
from onceflow.engine.errors import BadArgument

from ...play import Play, Worker
from ...workflows import Step, sequence, workflow


def deferred(play: Play, number: int, **step: object) -> list[Grant]:
    play.deploy(workflow(Step("a", **step)))  # pyright: ignore[reportArgumentType]
    for _ in range(number):
        play.start("flow")
    grants = play.worker.claim_all()
    calls.defer_tasks(play.conn, [Deferral(g.instance_id, g.task, g.fence, 60) for g in grants])
    return grants


def tokens(grants: list[Grant]) -> list[str]:
    return [token_of(g.instance_id, g.task, g.fence) for g in grants]


def test_many_are_answered_in_one_call_in_the_order_of_their_tokens(play: Play) -> None:
    grants = deferred(play, 5)
    last = grants.pop()
    calls.complete_deferred_tasks(play.conn, tokens([last]), [0])
    asked = [grants[2], last, grants[0]]
    answers = calls.complete_deferred_tasks(play.conn, tokens(asked), [2, 9, 0])
    assert [a.answer for a in answers] == ["accepted", "repeated", "accepted"]
    assert [a.token for a in answers] == tokens(asked)
    assert [play.task(g.instance_id, "a", "output") for g in asked] == [(2,), (0,), (0,)]


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "%s:%s", "%s:%s:", "%s:%s:a/b"])
def test_what_is_no_token_is_refused_by_its_place(play: Play, token: str) -> None:
    (grant,) = deferred(play, 1)
    wrong = token.replace("%s", str(grant.fence))
    with pytest.raises(BadArgument, match="token 2 is none"):
        calls.complete_deferred_tasks(play.conn, [*tokens([grant]), wrong], [1, 1])
    assert play.state(grant.instance_id, "a") == "WAITING"


# guarantee: token-of-many
def test_the_token_of_one_task_answers_no_other_of_its_claim(play: Play) -> None:
    mine, other = deferred(play, 2)
    assert mine.fence == other.fence
    of_mine = token_of(mine.instance_id, "a", mine.fence).split(":")[1]
    forged = f"{other.instance_id}:{of_mine}:a"
    answers = calls.complete_deferred_tasks(play.conn, [forged], [1])
    assert (answers[0].answer, play.state(other.instance_id, "a")) == ("stale", "WAITING")
    by_fence = f"{other.instance_id}:{other.fence.hex}:a"
    answers = calls.complete_deferred_tasks(play.conn, [by_fence], [1])
    assert (answers[0].answer, play.state(other.instance_id, "a")) == ("stale", "WAITING")


def test_arrays_that_differ_are_refused(play: Play) -> None:
    (grant,) = deferred(play, 1)
    with pytest.raises(BadArgument, match="differ in length"):
        calls.complete_deferred_tasks(play.conn, tokens([grant]), [])


def test_a_token_of_nothing_is_stale(play: Play) -> None:
    (grant,) = deferred(play, 1)
    other = token_of(grant.instance_id, "a", grant.instance_id)
    assert calls.complete_deferred_tasks(play.conn, [other], [1])[0].answer == "stale"
    nowhere = token_of(grant.fence, "a", grant.fence)
    assert calls.complete_deferred_tasks(play.conn, [nowhere], [1])[0].answer == "stale"


def test_what_comes_due_by_it_goes_to_the_queue(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    calls.complete_deferred_tasks(play.conn, tokens([grant]), [1])
    assert Worker(play.conn, "other").claim_all()[0].task == "b"


def test_an_answer_in_the_callers_own_transaction_stands_or_falls_with_it(play: Play) -> None:
    (grant,) = deferred(play, 1)
    with play.conn.transaction(force_rollback=True):
        calls.complete_deferred_tasks(play.conn, tokens([grant]), [1])
        assert play.state(grant.instance_id, "a") == "SUCCEEDED"
    assert play.state(grant.instance_id, "a") == "WAITING"
