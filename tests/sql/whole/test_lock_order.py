"""Rows are locked in the order of their keys, whatever order the caller names them in.

A third session holds the lowest row. Two calls that want it and a higher one queue behind it, and
are let go together. Had the second locked the higher row on its way, they would deadlock.
"""

import uuid
from collections.abc import Callable, Sequence

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import Connection, Play
from ..sessions import Session, Sessions
from ..workflows import Step, sequence, workflow

NOTHING: dict[str, str] = {}
Call = Callable[[Connection], list[str]]


def run_behind(holder: Session, sessions: Sessions, first: Call, second: Call) -> list[list[str]]:
    """Let both calls queue behind what the holder holds, let it go, and return their answers."""
    one, other = sessions(), sessions()
    waiting = [one.call_blocked(first), other.call_blocked(second)]
    holder.rollback()
    return [call.result(30) for call in waiting]


def lock_task(instance: uuid.UUID, task: str) -> Callable[[Connection], object]:
    """Return a statement that locks the row of one task."""
    return lambda conn: conn.execute(
        "select 1 from onceflow.task where instance_id = %s and step = %s for no key update",
        (instance, task),
    )


def claim(play: Play, keys: Sequence[Key]) -> Call:
    """Return a claim of these keys, in this order."""
    token = uuid.uuid4()
    return lambda conn: [
        c.answer for c in calls.claim_tasks(conn, play.worker.id, token, 1, list(keys))
    ]


def test_calls_that_name_instances_in_opposite_order(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))
    low, high = sorted(play.start("flow") for _ in range(2))
    holder = sessions()
    holder.begin(
        lambda conn: conn.execute(
            "select 1 from onceflow.instance where id = %s for no key update", (low,)
        )
    )
    answers = run_behind(
        holder,
        sessions,
        lambda conn: [d.outcome for d in calls.suspend_instances(conn, [low, high])],
        lambda conn: [d.outcome for d in calls.cancel_instances(conn, [high, low])],
    )
    assert answers == [["done", "done"], ["done", "done"]]


def test_claims_that_name_tasks_in_opposite_order(play: Play, sessions: Sessions) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    keys = [Key(instance, "a"), Key(instance, "b")]
    holder = sessions()
    holder.begin(lock_task(instance, "a"))
    first, second = claim(play, keys), claim(play, keys[::-1])
    answers = run_behind(holder, sessions, first, second)
    assert answers == [["granted", "granted"], ["skipped", "skipped"]]


@pytest.mark.parametrize("first", ["claim", "cancel"])
def test_a_claim_and_a_cancel_of_the_same_tasks(play: Play, sessions: Sessions, first: str) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    holder = sessions()
    holder.begin(lock_task(instance, "a"))
    pair: list[Call] = [
        claim(play, [Key(instance, "a"), Key(instance, "b")]),
        lambda conn: [d.outcome for d in calls.cancel_instances(conn, [instance])],
    ]
    granted, cancelled = (
        run_behind(holder, sessions, *pair)
        if first == "claim"
        else run_behind(holder, sessions, *pair[::-1])[::-1]
    )
    assert cancelled == ["done"]
    assert granted == (["granted"] * 2 if first == "claim" else ["skipped"] * 2)


def test_starts_that_name_keys_in_opposite_order(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))

    def start(*keys: str) -> Call:
        return lambda conn: [
            s.outcome for s in calls.start_instances(conn, "flow", [NOTHING] * len(keys), [*keys])
        ]

    holder, other = sessions(), sessions()
    holder.begin(start("k1"))
    waiting = other.call_blocked(start("k2", "k1"))
    assert holder.call(start("k2")).result(30) == ["started"]
    holder.commit()
    assert waiting.result(30) == ["exists", "exists"]
