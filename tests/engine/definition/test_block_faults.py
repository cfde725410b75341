"""Definitions whose blocks cannot work: each fault with its place, and what to do."""

import pytest

from onceflow.engine.json_text import Json

from .support import faults_of
from .test_blocks import block, nested, task

A: Json = [task("a")]
AB: Json = {"b1": [task("a")], "b2": [task("b")]}
CASE: Json = {"when": True, "steps": A}
ITEMS: dict[str, Json] = {"for_each": "$.input", "steps": A}


FAULTS: list[tuple[dict[str, Json], str]] = [
    # lists
    ({"steps": []}, "/steps/0/steps: must be a list of at least one step"),
    ({"steps": task("a")}, "/steps/0/steps: must be a list of at least one step"),
    (
        {"steps": [{"id": "workflow", "steps": A, "output": 1}]},
        "/steps/0/steps/0/output: what a block called 'workflow' gives is named as what the",
    ),
    ({"steps": [3]}, "/steps/0/steps/0: a step is an object with the keys id, description"),
    ({"steps": [task("x")]}, "/steps/0/steps/0/id: 'x' is the id of /steps/0 already"),
    (
        {"parallel": {"b1": A, "b2": [task("b"), task("a")]}},
        "/steps/0/parallel/b2/1/id: 'a' is the id of /steps/0/parallel/b1/0 already",
    ),
    (
        {"steps": [{"id": "a", "steps": [task("b", needs=["c"])]}, task("c")]},
        "/steps/0/steps/0/needs/0: 'c' stands outside of the block 'a'; let 'a' need it",
    ),
    (
        {"steps": [task("a", needs=[]), task("b", needs=["x"])]},
        "/steps/0/steps/1/needs/0: 'x' is the block that 'b' stands in; take it out",
    ),
    (
        {
            "steps": [
                {"id": "a", "needs": [], "steps": [task("b")]},
                task("c", needs=["b"]),
            ]
        },
        "/steps/0/steps/1/needs/0: 'b' stands in the block 'a'; let 'c' need 'a'",
    ),
    (
        {"parallel": {"b1": A, "b2": [task("b", needs=["a"])]}},
        "/needs/0: 'a' stands in another list; a step needs steps of its own list alone",
    ),
    (
        {"steps": [task("a", needs=["b"]), task("b", needs=["a"])]},
        "/steps/0/steps/0/needs: the steps wait for each other: a → b → a; break the circle",
    ),
    (
        {"steps": [task("a", needs=["frist"]), task("first", needs=[])]},
        "/steps/0/steps/0/needs/0: there is no step 'frist'; did you mean 'first'?",
    ),
    # kinds
    (
        {"steps": A, "parallel": AB},
        "/steps/0/parallel: a step is of one kind, and has 'steps' already; make two steps",
    ),
    (
        {"for_each": "$.input"},
        "/steps/0: a step needs the key 'steps'",
    ),
    (
        {**ITEMS, "else": A},
        "/steps/0/else: 'else' is of steps of the kind 'switch', not of 'for_each'",
    ),
    (
        {"task": "t", "join": 1},
        "/steps/0/join: 'join' is of steps of the kind 'parallel' or 'for_each', not of 'task'",
    ),
    (
        {"steps": A, "retry": {}},
        "/steps/0/retry: 'retry' is of steps of the kind 'task' or 'try', not of 'steps'",
    ),
    ({**ITEMS, "max_paralel": 3}, "has no key 'max_paralel'; did you mean 'max_parallel'?"),
    # switch
    ({"switch": []}, "/steps/0/switch: must be a list of at least one case"),
    ({"switch": CASE}, "/steps/0/switch: must be a list of at least one case"),
    ({"switch": [{"steps": A}]}, "/steps/0/switch/0: a case needs the key 'when'"),
    ({"switch": [{"when": True}]}, "/steps/0/switch/0: a case needs the key 'steps'"),
    (
        {"switch": [{"when": True, "steps": []}]},
        "/steps/0/switch/0/steps: must be a list of at least one step",
    ),
    (
        {"switch": [{"when": "yes", "steps": A}]},
        "/steps/0/switch/0/when: must be true, false, or one expression",
    ),
    ({"switch": [{**CASE, "id": "c"}]}, "/steps/0/switch/0/id: cases have no names"),
    ({"switch": [CASE], "else": {}}, "/steps/0/else: must be a list of at least one step"),
    # parallel and race
    ({"parallel": {}}, "/steps/0/parallel: must be branches, {name: [steps], …}, or a list"),
    ({"parallel": {"b": []}}, "/steps/0/parallel/b: must be a list of at least one step"),
    ({"race": {"1b": A}}, "/steps/0/race/1b: the name of a branch is a letter, then up to"),
    ({"race": AB, "join": 1}, "/steps/0/join: a race ends with the first success; for more"),
    ({"parallel": AB, "join": 0}, "/steps/0/join: must be a whole number from 1 to 100000"),
    ({"parallel": AB, "join": 3}, "/steps/0/join: is more than there are: it has 2 branches"),
    ({"parallel": AB, "tolerate": 3}, "/steps/0/tolerate: is more than there are: it has 2"),
    (
        {"parallel": AB, "join": 1, "tolerate": 1},
        "/steps/0/tolerate: `join` beside it says how many have to succeed already; keep one",
    ),
    (
        {"parallel": AB, "tolerate": "10%"},
        "/steps/0/tolerate: a percentage is for items; give a number of branches",
    ),
    (
        {"parallel": AB, "output": 1},
        "/steps/0/output: 'output' is of steps of the kind 'steps'",
    ),
    # for_each
    ({**ITEMS, "for_each": "orders"}, "/steps/0/for_each: must be a list, or one expression"),
    ({**ITEMS, "for_each": 3}, "/steps/0/for_each: must be a list, or one expression"),
    ({**ITEMS, "for_each": "$.input.a == 1"}, "/steps/0/for_each: must be a list, or one"),
    ({**ITEMS, "for_each": ["${ $secrets.A }"]}, "/steps/0/for_each/0: secrets are for the"),
    ({**ITEMS, "for_each": [1], "join": 2}, "/steps/0/join: is more than there are: it has 1"),
    ({**ITEMS, "tolerate": "101%"}, "/steps/0/tolerate: is more than 100%; give at most 100%"),
    ({**ITEMS, "tolerate": "some"}, "/steps/0/tolerate: must be a whole number of items, or"),
    ({**ITEMS, "tolerate": -1}, "/steps/0/tolerate: must be a whole number from 0 to 100000"),
    ({**ITEMS, "max_parallel": 0}, "/steps/0/max_parallel: must be a whole number from 1 to"),
    ({**ITEMS, "as": "an order"}, "/steps/0/as: must be a name: a letter, then up to 62"),
    ({**ITEMS, "as": "input"}, "/steps/0/as: expressions see $.input already; take another"),
    (
        {**ITEMS, "as": "o", "steps": [{"id": "y", **ITEMS, "as": "o"}]},
        "/steps/0/steps/0/as: 'x' around it gives $.o already; take another name",
    ),
    # what all have
    ({"steps": A, "timeout": "soon"}, "/steps/0/timeout: must be a duration above 0"),
    ({"steps": A, "total_timeout": "1h"}, "not of 'steps', of which `timeout` bounds the whole"),
    ({"steps": A, "undo": "no"}, "/steps/0/undo: must be true or false"),
    ({"steps": A, "on_failure": "fail"}, "/steps/0/on_failure: must be continue or suspend"),
    ({"steps": A, "default": 1}, "/steps/0/default: is for an instance that goes on; write"),
    ({"steps": A, "output": "${ $secrets.A }"}, "/steps/0/output: secrets are for the `with`"),
]


@pytest.mark.parametrize(("members", "fault"), FAULTS)
def test_a_faulty_block(members: dict[str, Json], fault: str) -> None:
    found = faults_of(block(**members))
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"if": "$.input.x"}, "/steps/0/if: 'if' is `when: $.input.x`"),
        ({"run": "make"}, "/steps/0/run: 'run' is `task: name`, with a handler of that name"),
        ({"matrix": {}}, "/steps/0/matrix: 'matrix' is `for_each: $.input.orders`, with `steps:"),
        ({"fork": {}}, "/steps/0/fork: 'fork' is `parallel: {name: […], …}`"),
        ({"raise": {}}, "/steps/0/raise: 'raise' is `fail: {code: …, message: …}`"),
        ({"Choices": []}, "/steps/0/Choices: 'Choices' is `switch: [{when: …, steps: […]}]`"),
        (
            {"Catch": []},
            "/steps/0/Catch: 'Catch' is a `try` around the step: `{id: try-x, ",
        ),
        ({"loop": {}}, "/steps/0/loop: 'loop' is `repeat: […]`, with `until: …` or `while: …` "),
    ],
)
def test_a_word_of_another_language(members: dict[str, Json], fault: str) -> None:
    found = faults_of(block(**members))
    assert len(found) == 1
    assert fault in found[0]


def test_more_than_sixteen_blocks_around_a_step() -> None:
    (fault,) = faults_of(nested(17))
    place, _, message = fault.partition(": ")
    assert place == "/steps/0" * 17
    assert message == "has 16 blocks around it already; put its steps into one of them"


def test_the_faults_of_all_lists_are_told_at_once() -> None:
    found = faults_of(
        block(
            parallel={
                "b1": [task("a", timeout=0)],
                "b2": [{"id": "b", "switch": [{"when": 1, "steps": [task("c", queue="")]}]}],
            }
        )
    )
    assert len(found) == 3
