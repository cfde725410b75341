"""steps: what asks for the steps of an instance does work for each of them a few times.

So it is where Postgres takes a version for one of a few steps, as all were that it knows of.
"""

from typing import Any

import pytest

from onceflow.engine.calls import scopes
from onceflow.engine.calls.reads import Query

from ...play import Connection, Play
from ...workflows import Step, value, workflow

WIDTH = 400


def work(node: dict[str, Any]) -> int:
    """Return how many rows a plan and what is beneath it have given or looked at in vain."""
    looked = sum(
        node.get(name, 0)
        for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    )
    return int(looked * node["Actual Loops"]) + sum(work(each) for each in node.get("Plans", []))


@pytest.mark.parametrize("ask", ["tasks", "not reached"])
def test_many_steps_that_nobody_has_counted_are_read_once_each(conn: Connection, ask: str) -> None:
    play = Play(conn)
    for n in range(50):
        play.deploy(workflow(Step("a", undo=value(1)), Step("b"), name=f"small-{n}"))
        play.start(f"small-{n}")
    conn.execute("analyze")
    play.deploy(workflow(*(Step(f"s{n}", undo=value(1)) for n in range(WIDTH))))
    instance = play.start("flow")
    query: Query = {
        "tasks": scopes.list_tasks(scopes.TASK, instance, 1000),
        "not reached": scopes.list_not_reached(instance),
    }[ask]
    ((plans,),) = conn.execute(
        "explain (analyze, format json) " + query.text, query.parameters
    ).fetchall()
    assert WIDTH < work(plans[0]["Plan"]) < 40 * WIDTH
