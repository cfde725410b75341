"""Definitions whose chains and jumps cannot work: each fault with its place, and what to do."""

import pytest

from onceflow.engine.json_text import Json

from .support import compile_yaml, faults_of
from .test_blocks import block, task

A: Json = [task("a")]
ROUNDS: dict[str, Json] = {"repeat": A, "until": True}
TRY: dict[str, Json] = {"try": A, "catch": [{"steps": []}]}
RETURNING: dict[str, Json] = {"steps": [{"id": "r", "return": 1}]}


def fault_of(*steps: Json, **more: Json) -> str:
    (fault,) = faults_of({"name": "w", "steps": [*steps], **more})
    return fault


def uses(expression: str, name: str = "b") -> Json:
    return task(name, **{"with": {"x": expression}})


FAULTS: list[tuple[dict[str, Json], str]] = [
    # repeat
    ({"repeat": [], "until": True}, "/steps/0/repeat: must be a list of at least one step"),
    ({"repeat": task("a"), "until": True}, "/steps/0/repeat: must be a list of at least one"),
    ({"repeat": A}, "/steps/0: a repeat needs `until: …`, asked after each round, or `while"),
    ({**ROUNDS, "while": True}, "/steps/0/while: `until` beside it ends the block already"),
    ({"repeat": A, "until": "done"}, "/steps/0/until: must be true, false, or one expression"),
    ({"repeat": A, "while": 3}, "/steps/0/while: must be true, false, or one expression"),
    ({"repeat": A, "while": "$.input.x[*]"}, "/steps/0/while: must be true, false, or one"),
    ({"repeat": A, "until": "$.steps.a.output ="}, "/steps/0/until: the expression is wrong"),
    ({"repeat": A, "until": "$.steps.c.state"}, "/steps/0/until: $.steps.c.state: there is no"),
    ({"repeat": A, "until": "$.steps.x.output"}, "'x' has no output yet; name its steps"),
    ({**ROUNDS, "limit": 0}, "/steps/0/limit: must be a whole number from 1 to 100000"),
    ({**ROUNDS, "limit": 100_001}, "/steps/0/limit: must be a whole number from 1 to 100000"),
    ({**ROUNDS, "limit": 1.5}, "/steps/0/limit: must be a whole number"),
    ({**ROUNDS, "limit": "ten"}, "/steps/0/limit: must be a whole number"),
    ({**ROUNDS, "delay": 0}, "/steps/0/delay: must be a duration above 0 such as 30s"),
    ({**ROUNDS, "delay": "soon"}, "/steps/0/delay: must be a duration above 0 such as 30s"),
    ({**ROUNDS, "max_parallel": 2}, "'max_parallel' is of steps of the kind 'for_each', not"),
    ({**ROUNDS, "retry": {}}, "'retry' is of steps of the kind 'task' or 'try', not of"),
    ({**ROUNDS, "on_failure": "compensate"}, "/steps/0/on_failure: must be continue or"),
    ({**ROUNDS, "default": 1}, "/steps/0/default: is for an instance that goes on; write"),
    ({**ROUNDS, "timeout": 0}, "/steps/0/timeout: must be a duration above 0"),
    ({**ROUNDS, "until_": True}, "has no key 'until_'; did you mean 'until'?"),
    ({"steps": A, "while": True}, "'while' is of steps of the kind 'repeat', not of 'steps'"),
    ({"task": "t", "until": True}, "'until' is of steps of the kind 'repeat', not of 'task'"),
    ({"task": "t", "limit": 3}, "'limit' is of steps of the kind 'repeat', not of 'task'"),
    ({"task": "t", "delay": 3}, "'delay' is of steps of the kind 'repeat', not of 'task'"),
    # try
    ({"try": A}, "/steps/0: a try needs `catch: [{errors: […], steps: […]}]`, `retry: {atte"),
    ({"try": [], "retry": {}}, "/steps/0/try: must be a list of at least one step"),
    ({"try": A, "catch": []}, "/steps/0/catch: must be a list of at least one catch"),
    ({"try": A, "catch": {"steps": []}}, "/steps/0/catch: must be a list of at least one"),
    ({"try": A, "catch": [{}]}, "/steps/0/catch/0: a catch needs the key 'steps'"),
    ({"try": A, "catch": [3]}, "/steps/0/catch/0: a catch is an object with the keys errors"),
    ({"try": A, "catch": [{"errors": [], "steps": []}]}, "names none; leave it out for all"),
    ({"try": A, "catch": [{"errors": "x", "steps": []}]}, "must be a list of error codes"),
    ({"try": A, "catch": [{"errors": ["a*b"], "steps": []}]}, "/errors/0: must be an error"),
    ({"try": A, "catch": [{"errors": ["a", "a"], "steps": []}]}, "names 'a' twice; keep one"),
    ({"try": A, "catch": [{"steps": []}, {"steps": []}]}, "/steps/0/catch/1: catch 0, before"),
    ({"try": A, "catch": [{"undo": 1, "steps": []}]}, "/catch/0/undo: must be true or false"),
    ({"try": A, "catch": [{"id": "c", "steps": []}]}, "/catch/0/id: a catch has no name"),
    ({"try": A, "catch": [{"steps": A}]}, "/catch/0/steps/0/id: 'a' is the id of /steps/0/try"),
    ({**TRY, "retry": 3}, "/steps/0/retry: a retry is an object with the keys attempts"),
    ({**TRY, "retry": {"attempts": 0}}, "/retry/attempts: must be a whole number from 1 to"),
    ({**TRY, "until": True}, "'until' is of steps of the kind 'repeat', not of 'try'"),
    ({**ROUNDS, "task": "t"}, "a step is of one kind, and has 'task' already; make two"),
    ({"steps": A, "catch": []}, "/steps/0/catch: 'catch' is a `try` around the step"),
    # goto and return
    ({"goto": 3}, "/steps/0/goto: must be the id of a step of the same list, or end"),
    ({"goto": "x"}, "/steps/0/goto: 'x' is the goto itself; name another step of its list"),
    ({"goto": "y"}, "/steps/0/goto: there is no step 'y'"),
    ({"goto": "end", "task": "t"}, "a step is of one kind, and has 'task' already; make two"),
    ({"goto": "end", "timeout": 3}, "'timeout' is of steps of the kind"),
    ({"return": "$.steps.x.output"}, "/steps/0/return: $.steps.x.output: this is of step 'x'"),
    ({"return": "${ $secrets.A }"}, "/steps/0/return: secrets are for the `with` of steps"),
    (
        {"return": "${ $config.A }"},
        "/steps/0/return: an output does not see $config",
    ),
    ({"return": 1, "retry": {}}, "'retry' is of steps of the kind 'task' or 'try', not of"),
    ({"return": "$.input."}, "/steps/0/return: the expression is wrong at character"),
]


@pytest.mark.parametrize(("members", "fault"), FAULTS)
def test_a_faulty_chain_or_jump(members: dict[str, Json], fault: str) -> None:
    (found,) = faults_of(block(**members))
    assert fault in found


BETWEEN: list[tuple[list[Json], str]] = [
    ([uses("$.round")], "only a `repeat` and its steps see $.round"),
    ([uses("$.previous.x")], "only a `repeat` and its steps see $.previous"),
    ([uses("$.error.code")], "$.error"),
    ([{"id": "x", **TRY}, uses("$.error.code")], "$.error"),
    ([{"id": "x", "try": [uses("$.error.code")], "retry": {}}], "$.error"),
    ([{"id": "x", **ROUNDS}, uses("$.steps.a.output")], "only the output is seen: $.steps.x"),
    ([{"id": "x", **TRY}, uses("$.steps.a.output")], "only the output is seen: $.steps.x"),
    ([{"id": "x", **ROUNDS}, uses("$.steps.x.caught")], "caught"),
    ([{"id": "x", **ROUNDS}, uses("$.round")], "only a `repeat` and its steps see $.round"),
    (
        [{"id": "x", "repeat": A, "until": "$.steps.b.output"}, task("b")],
        "let 'x' need it",
    ),
    (
        [{"id": "x", "try": [uses("$.steps.c.output")], "catch": [{"steps": [task("c")]}]}],
        "stands in another list of 'x'; its lists do not see each other",
    ),
    (
        [{"id": "x", "steps": [{"id": "g", "goto": "b"}]}, task("b")],
        "/steps/0/steps/0/goto: 'b' stands in another list; a goto leads to a step of its own",
    ),
    (
        [{"id": "g", "goto": "a"}, {"id": "x", "steps": A}],
        "/steps/0/goto: 'a' stands in another list; a goto leads to a step of its own list",
    ),
    ([{"id": "g", "goto": "lst"}, task("last")], "no step 'lst'; did you mean 'last'?"),
    (
        [task("a", needs=[]), {"id": "g", "needs": ["a"], "goto": "end"}],
        "/steps/1/goto: the steps around it have `needs`; a goto stands in a list that runs as",
    ),
    ([task("end")], "/steps/0/id: `goto: end` ends a list; take another"),
    (
        [{"id": "x", "parallel": {"b": [{"id": "r", "return": 1}]}}],
        "/steps/0/parallel/b/0: stands in 'x', a parallel, of which others may still run",
    ),
    (
        [{"id": "x", "race": {"b": [{"id": "r", "return": 1}]}}],
        "/steps/0/race/b/0: stands in 'x', a race, of which others may still run",
    ),
    (
        [{"id": "x", "for_each": [1], "steps": [{"id": "r", "return": 1}]}],
        "/steps/0/steps/0: stands in 'x', a for_each, of which others may still run",
    ),
    (
        [{"id": "x", "for_each": [1], "steps": [{"id": "y", **RETURNING}]}],
        "stands in 'x', a for_each, of which others may still run; return behind it",
    ),
    (
        [task("a", needs=[]), {"id": "r", "needs": [], "return": 1}],
        "/steps/1: the steps beside it have `needs` and may still run",
    ),
    (
        [task("a", needs=[]), {"id": "x", "needs": [], "steps": [{"id": "r", "return": 1}]}],
        "/steps/1/steps/0: the steps beside 'x' have `needs` and may still run",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "fault"), BETWEEN)
def test_a_fault_between_steps(steps: list[Json], fault: str) -> None:
    assert fault in fault_of(*steps)


def test_what_a_fault_says_to_write_compiles() -> None:
    around = "{id: work, try: [{id: a, task: t}], catch: [{steps: []}]}"
    failed = "{id: failed, when: $.steps.work.caught != null, fail: {code: $.steps.work.caught}}"
    (fault,) = faults_of(block(task="t", **{"finally": []}))
    assert failed in fault
    compile_yaml(f"{{name: w, steps: [{around}, {failed}]}}")
