"""What each key may hold: every fault is listed, with its place and a mend."""

from typing import Any

import pytest

from onceflow.engine.json_text import Json

from .support import compile_yaml, faults_of, workflow


def step_fault(**members: Json) -> list[str]:
    return faults_of(workflow({"id": "a", **members}))


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"id": "1a"}, "/steps/0/id: must be an id"),
        ({"id": "a.b"}, "/steps/0/id: must be an id"),
        ({"id": "a" * 64}, "/steps/0/id: must be an id"),
        ({"id": "a\n"}, "/steps/0/id: must be an id"),
        ({"task": "x y"}, "/steps/0/task: must be the name of a task"),
        ({"queue": "a/b"}, "/steps/0/queue: must be the name of a queue"),
        ({"description": 3}, "/steps/0/description: must be a string"),
        ({"retri": {}}, "/steps/0/retri: a step has no key 'retri'; did you mean 'retry'?"),
        ({"retry": 3}, "/steps/0/retry: a retry is an object with the keys attempts, backoff"),
        ({"retry": {"attempts": 0}}, "/attempts: must be a whole number from 1 to 1000"),
        ({"retry": {"attempts": 1001}}, "/attempts: must be a whole number from 1 to 1000"),
        ({"retry": {"attempts": 1.5}}, "/attempts: must be a whole number"),
        ({"retry": {"attempts": True}}, "/attempts: must be a whole number"),
        ({"retry": {"factor": 0.5}}, "/factor: must be a number from 1 to 1000"),
        ({"retry": {"jitter": 1.1}}, "/jitter: must be a number from 0 to 1"),
        ({"retry": {"backoff": -1}}, "/backoff: must be a duration such as 30s, or 0"),
        ({"retry": {"max": "-1s"}}, "/max: must be a duration above 0"),
        (
            {"retry": {"backoff": "10m"}},
            "/retry: waits 600 s at first, which is more than max, 300 s",
        ),
        ({"retry": {"non_retryable": "x"}}, "/non_retryable: must be a list of error codes"),
        ({"retry": {"non_retryable": ["a*b"]}}, "/non_retryable/0: must be an error code"),
        ({"timeout": "soon"}, "/steps/0/timeout: must be a duration above 0 such as 30s"),
        ({"timeout": ""}, "/steps/0/timeout: must be a duration"),
        ({"timeout": "30"}, "/steps/0/timeout: must be a duration"),
        ({"timeout": "1s1m"}, "/steps/0/timeout: must be a duration"),
        ({"timeout": "9999d"}, "/steps/0/timeout: must be a duration above 0"),
        ({"start_timeout": 0}, "/steps/0/start_timeout: must be a duration above 0"),
        ({"total_timeout": "soon"}, "/steps/0/total_timeout: must be a duration above 0"),
        (
            {"on_failure": "retry"},
            "/steps/0/on_failure: must be continue, compensate, fail or suspend",
        ),
        ({"with": "x"}, "/steps/0/with: must be an object, or one expression"),
        ({"with": None}, "/steps/0/with: must be an object"),
        ({"with": "a ${ $.input }"}, "/steps/0/with: must be an object"),
        ({"when": "$.input ==="}, "/steps/0/when: the expression is wrong at character 11"),
        ({"with": "$.input["}, "/steps/0/with: the expression is wrong at character 9"),
        ({"when": "yes"}, "/steps/0/when: must be true, false, or one expression"),
        ({"when": "$.input.a[*]"}, "/steps/0/when: must be true, false, or one expression"),
        ({"needs": "b"}, "/steps/0/needs: must be a list of step ids, such as [a, b]"),
        ({"needs": [3]}, "/steps/0/needs/0: must be an id"),
        ({"compensate": "x"}, "/steps/0/compensate: a compensation is an object"),
        ({"compensate": {}}, "/steps/0/compensate: a compensation needs the key 'task'"),
        ({"compensate": {"task": "t", "when": True}}, "/when: 'when' is not available"),
        (
            {"catch": []},
            "/steps/0/catch: 'catch' is a `try` around the step: `{id: try-a, ",
        ),
        ({"map": {}}, "/steps/0/map: 'map' is `for_each: $.input.orders`, with `steps: […]` be"),
        ({"loop": {}}, "/steps/0/loop: 'loop' is `repeat: […]`, with `until: …` or `while: …` "),
    ],
)
def test_a_faulty_step(members: dict[str, Json], fault: str) -> None:
    found = step_fault(**members)
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    ("definition", "fault"),
    [
        ([], "the document: a workflow is an object with the keys name, description"),
        ({"steps": [{"id": "a", "task": "t"}]}, "the document: a workflow needs the key 'name'"),
        ({"name": "w"}, "the document: a workflow needs the key 'steps'"),
        ({"name": "w", "steps": []}, "/steps: must be a list of at least one step"),
        ({"name": "w", "steps": {}}, "/steps: must be a list of at least one step"),
        ({"name": "w", "steps": [3]}, "/steps/0: a step is an object"),
        (workflow({"id": "a"}, name="a b"), "/name: must be a name"),
        (workflow({"id": "a"}, version=3), "/version: the engine numbers versions"),
        (workflow({"id": "a"}, schedule="x"), "'schedule' is `on: [{id: nightly, schedule: "),
        (workflow({"id": "a"}, deadline=0), "/deadline: must be a duration above 0"),
        (workflow({"id": "a"}, on_failure=None), "/on_failure: must be compensate, fail"),
        (workflow({"id": "a"}, input=3), "/input: is no JSON Schema; give an object"),
        (workflow({"id": "a"}, outptu=3), "did you mean 'output'?"),
        (workflow({"id": "a"}, {"id": "a"}), "/steps/1/id: 'a' is the id of /steps/0 already"),
    ],
)
def test_a_faulty_workflow(definition: Any, fault: str) -> None:
    found = faults_of(definition)
    assert len(found) == 1
    assert fault in found[0]


def test_a_step_of_a_later_kind_is_one_fault() -> None:
    (fault,) = faults_of({"name": "w", "steps": [{"id": "a", "finally": []}]})
    assert fault.startswith("/steps/0/finally: 'finally' is not available in this release; write")


def test_every_fault_is_listed_with_its_line_and_column() -> None:
    assert faults_of(
        "name: 5\n"
        "uno: x\n"
        "steps:\n"
        "  - id: a\n"
        "    task: t\n"
        "    with: {a: $.inptu.x}\n"
        "  - id: b\n"
        "    timeout: -1\n"
    ) == [
        "/name (line 1, column 7): must be a name: a letter, then up to 127 letters, digits, . - "
        "or _",
        "/uno (line 2, column 1): a workflow has no key 'uno'",
        "/steps/0/with/a (line 6, column 15): $.inptu.x: there is no $.inptu; there is $.input, "
        "$.steps or $.instance; did you mean 'input'?",
        "/steps/1 (line 7, column 5): a step needs the key that says of which kind it is: `task`, "
        "`set`, `fail`, `steps`, `switch`, `parallel`, `race`, `for_each`, `repeat`, `try`, "
        "`return`, `goto`, `sleep`, `wait_for`, `approve` or `workflow`",
        "/steps/1/timeout (line 8, column 14): must be a duration above 0 such as 30s, 1h30m or "
        "500ms, or a number of seconds; at most ten years",
    ]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30), ("1m", 60), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), ("2d", 172800),
        ("1m0.25s", 60.25), ("30", 30), ("0.1", 0.1), ("2.0", 2),
    ],
)  # fmt: skip
def test_durations_become_seconds(written: str, seconds: float) -> None:
    compiled = compile_yaml(
        f"{{name: w, deadline: {written}, steps: [{{id: a, task: t, timeout: {written}}}]}}"
    )
    assert compiled["deadline"] == seconds
    assert compiled["steps"][0]["spec"]["timeout"] == seconds
    assert type(compiled["deadline"]) is type(seconds)


def test_a_given_retry_gets_its_missing_members() -> None:
    compiled = compile_yaml(
        "{name: w, steps: [{id: a, task: t, retry: {max: 1m, non_retryable: [http.404, sql.*]}},"
        " {id: b, task: t, retry: {}}, {id: c, task: t}]}"
    )
    specs = [row["spec"] for row in compiled["steps"]]
    assert specs[0]["retry"] == {
        "attempts": 5,
        "backoff": 1,
        "factor": 2,
        "max": 60,
        "jitter": 0.2,
        "non_retryable": ["http.404", "sql.*"],
    }
    assert specs[1]["retry"] == {
        "attempts": 5,
        "backoff": 1,
        "factor": 2,
        "max": 300,
        "jitter": 0.2,
    }
    assert "retry" not in specs[2]
