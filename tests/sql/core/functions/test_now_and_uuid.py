"""now() and uuid(): what they give in an instance."""

from typing import Any
from uuid import UUID

import psycopg

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition
from onceflow.engine.ids import make_ids

from ...play import Play, execute, pass_time

NOW = "${ now() }"
UUID_ = "${ uuid() }"


def deploy(play: Play, *steps: dict[str, Any], **more: Any) -> str:
    return play.deploy(compile_definition({"name": "flow", "steps": [*steps], **more}))


# guarantee: now-differs
def test_now_is_one_text_throughout_a_transition(play: Play) -> None:
    steps = [
        {"id": "a", "set": [NOW, NOW]},
        {"id": "b", "for_each": [1, 2], "steps": [{"id": "c", "set": NOW}]},
        {
            "id": "d",
            "when": "${ now() == $.steps.a.output[0] }",
            "set": "${ range(2) | each(now()) }",
        },
        {"id": "e", "task": "work", "with": {"at": NOW}},
    ]
    instance = play.start(deploy(play, *steps, output=NOW))
    (first, second) = play.task(instance, "a", "output")[0]
    (given,) = play.task(instance, "e", "input")
    assert play.task(instance, "d", "output") == ([first, first],)
    assert {first, second, given["at"]} == {first}
    assert play.task(instance, "c/1", "output") == play.task(instance, "c/2", "output") == (first,)
    pass_time(play.conn, "1 day")
    play.complete(instance, "e")
    assert play.instance(instance, "output")[0] > first


def test_now_is_the_time_of_the_clock_that_timers_go_by(play: Play) -> None:
    execute(play.conn, "select onceflow.set_clock('2030-01-02T03:04:05.5+01:00')")
    instance = play.start(deploy(play, {"id": "a", "set": NOW}))
    assert play.task(instance, "a", "output") == ("2030-01-02T02:04:05.500000Z",)


# guarantee: uuid-random
def test_a_uuid_is_the_same_whenever_its_transition_is_made(play: Play) -> None:
    steps = [
        {"id": "a", "task": "work", "with": {"id": UUID_, "other": UUID_}},
        {"id": "b", "for_each": [1, 2], "needs": [], "steps": [{"id": "c", "set": UUID_}]},
    ]
    deploy(play, *steps, output=UUID_)
    (one, other) = make_ids(2)

    def made() -> list[str]:
        calls.start_instances(play.conn, "flow", [{}, {}], ids=[one, other])
        found = [play.task(instance, "a", "input")[0] for instance in (one, other)]
        items = [play.task(one, f"c/{scope}", "output")[0] for scope in (1, 2)]
        return [*items, *(uuid for given in found for uuid in given.values())]

    with play.conn.transaction():
        first = made()
        raise psycopg.Rollback
    assert made() == first
    assert len({UUID(text) for text in first}) == 6


def test_every_attempt_has_the_same_uuid(play: Play) -> None:
    retry = {"attempts": 2, "backoff": 1}
    step = {"id": "a", "task": "work", "with": {"id": UUID_}, "retry": retry}
    instance = play.start(deploy(play, step))
    grant = play.take(instance, "a")
    play.worker.fail(grant)
    pass_time(play.conn, "1 minute")
    play.tick()
    assert play.take(instance, "a").input == grant.input


def test_who_does_not_ask_is_not_told(play: Play) -> None:
    """So what asks for nothing pays for nothing."""
    steps = [{"id": "a", "set": "$.input"}, {"id": "b", "set": UUID_}]
    deploy(play, *steps, output="$.steps.a.output")
    specs = dict(play.rows("select step, spec -> 'told' from onceflow.step"))
    assert specs == {"a": None, "b": ["task"], "workflow.output": []}


def test_a_function_that_fails_is_a_failure_of_its_step(play: Play) -> None:
    step = {"id": "a", "set": "${ range($.input.n) }"}
    instance = play.start(deploy(play, step, on_failure="suspend"), {"n": 10**9})
    (error,) = play.task(instance, "a", "error")
    assert error["code"] == "expression"
    assert error["message"] == "range($.input.n): the result would have more than 100000 items"


def test_functions_stand_in_conditions_of_rounds_and_give_the_items_of_a_block(play: Play) -> None:
    ask = "${ length(concat($.steps.a.output, now())) > 30 }"
    steps = [
        {"id": "r", "repeat": [{"id": "a", "set": "${ now() }"}], "until": ask},
        {
            "id": "e",
            "for_each": "$.input.items | filter(@ > 1)",
            "steps": [{"id": "b", "set": "$.item"}],
        },
        {"id": "w", "when": "$.input.items | contains(7)", "set": 1},
    ]
    instance = play.start(deploy(play, *steps, output="$.steps.e.output"), {"items": [1, 2, 3]})
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", [2, 3])
    assert play.state(instance, "w") == "SKIPPED"
