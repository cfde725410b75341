"""What is given to one start by itself counts as it does beside another's."""

import uuid
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import BadArgument, translated
from onceflow.engine.ids import make_ids

from ...play import Json, Play
from .test_alone import AB, ROWS, without_ids

TRACE = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
MINE, TAKEN = "mine", "taken"
GIVEN: dict[str, tuple[dict[str, Any], Json]] = {
    "a key": ({"keys": MINE}, {"x": 1}),
    "a key that is taken": ({"keys": TAKEN}, {"x": 1}),
    "a key that is taken, and another input": ({"keys": TAKEN}, {"x": 2}),
    "an id of its own": ({"ids": MINE}, {"x": 1}),
    "an id that exists": ({"ids": TAKEN}, {"x": 1}),
    "an id that exists, and another input": ({"ids": TAKEN}, {"x": 2}),
    "an id that exists, and a key": ({"ids": TAKEN, "keys": MINE}, {"x": 1}),
    "an id of its own, and a key that is taken": ({"ids": MINE, "keys": TAKEN}, {"x": 1}),
    "no input": ({}, None),
    "a trace": ({"traces": TRACE}, {"x": 1}),
    "a malformed trace": ({"traces": {"traceparent": "00-0"}}, {"x": 1}),
    "a label": ({"labels": {"customer": "c"}}, {"x": 1}),
}


# guarantee: alone-key
# guarantee: alone-trace
@pytest.mark.parametrize("name", GIVEN)
def test_what_is_given_to_one_start_counts_as_among_others(play: Play, name: str) -> None:
    document = {"name": "flow", "search": ["$.input.x"], "steps": AB}
    workflow = play.deploy(compile_definition(document))
    found = [started(play, workflow, *GIVEN[name], beside=beside) for beside in (False, True)]
    assert found[0] == found[1]


def started(
    play: Play, workflow: str, given: dict[str, Any], value: Json, *, beside: bool
) -> list[str]:
    """Start one, where another has begun, and once more; return the answers and all rows."""
    begun, mine, other = make_ids(3)
    key = str(begun)
    calls.start_instances(play.conn, workflow, [{"x": 1}], keys=[key], ids=[begun])
    meant: dict[tuple[str, str], str | uuid.UUID] = {
        ("keys", MINE): str(mine),
        ("keys", TAKEN): key,
        ("ids", MINE): mine,
        ("ids", TAKEN): begun,
    }
    arguments: dict[str, Any] = {
        name: [meant[name, it] if isinstance(it, str) else it] for name, it in given.items()
    }
    if beside:
        more = {"keys": str(other), "ids": other}
        arguments = {name: [*it, more.get(name)] for name, it in arguments.items()}
    inputs = [value, {"x": 3}][: 1 + beside]
    # One that names nothing is another one each time.
    times = 2 if "keys" in given or "ids" in given else 1
    said = [
        calls.start_instances(play.conn, workflow, inputs, **arguments)[0] for _ in range(times)
    ]
    answers = [(each.outcome, each.state, each.error, each.found == begun) for each in said]
    found = said[-1].found
    rows = [
        play.rows(statement, instance) for instance in (begun, mine, found) for statement in ROWS
    ]
    keys = play.rows(
        "select key = %s, input_hash, instance_id = %s from onceflow.idempotency_key"
        " where key in (%s, %s) order by key = %s",
        *(str(mine), mine, str(mine), key, key),
    )
    fields = play.rows(
        "select field, value from onceflow.search_value where instance_id = %s order by 1, 2",
        found,
    )
    return without_ids([answers, rows, keys, fields])


BOUNDS = ["[0:0]={%s}", "[2:2]={%s}", "{{%s}}"]
"""Arrays of one that do not begin at 1, as whoever writes SQL by hand may have them."""


# guarantee: alone-bounds
@pytest.mark.parametrize("bounds", BOUNDS)
def test_one_start_counts_wherever_its_arrays_begin(play: Play, bounds: str) -> None:
    workflow = play.deploy(compile_definition({"name": "flow", "steps": AB}))
    start = "select outcome from onceflow.start_instances(%s, %s::jsonb[], %s::text[])"
    one, given = "{%s}", '"{\\"x\\": 1}"'
    for inputs, keys in (one, bounds), (bounds, one), (bounds, bounds):
        arrays = inputs % given, keys % f"key{len(inputs)}{len(keys)}"
        assert [play.value(start, workflow, *arrays) for _ in range(2)] == ["started", "exists"]


@pytest.mark.parametrize("bounds", BOUNDS)
def test_one_claim_and_answer_count_wherever_their_arrays_begin(play: Play, bounds: str) -> None:
    instance = play.begin(compile_definition({"name": "flow", "steps": AB}))
    token = play.worker.next_token()
    ids, tasks = bounds % instance, bounds % "a"
    claim = "select task, answer, fence = %s from onceflow.claim_tasks(%s, %s, 1, %s, %s)"
    claimed = play.row(claim, token, play.worker.id, token, ids, tasks)
    assert claimed == ("a", "granted", True)
    complete = "select answer, state from onceflow.complete_tasks(%s, %s, %s, %s, %s::jsonb[])"
    fences, outputs = bounds % token, bounds % 1
    assert play.row(complete, play.worker.id, ids, tasks, fences, outputs) == (
        "accepted",
        "SUCCEEDED",
    )
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "QUEUED"}


# guarantee: output-of-one
@pytest.mark.parametrize("bounds", ["{%s}", *BOUNDS])
def test_one_output_is_measured_wherever_its_array_begins(play: Play, bounds: str) -> None:
    instance = play.begin(compile_definition({"name": "flow", "steps": AB}))
    grant = play.take(instance, "a")
    complete = "select answer from onceflow.complete_tasks(%s, %s, '{a}', %s, %s::jsonb[])"
    one = play.worker.id, [instance], [grant.fence]
    for output in r'"\"' + "x" * (2 << 20) + r'\""', "[" * 200 + "]" * 200, "1e5000":
        with pytest.raises(BadArgument, match="the output cannot be kept"), translated():
            play.row(complete, *one, bounds % output)
    assert play.row(complete, *one, bounds % 1) == ("accepted",)


ONE, NONE, NESTED = "{%s}", "{}", "{{%s}}"


# guarantee: lengths-of-one
@pytest.mark.parametrize("fences", [ONE, NONE, NESTED])
@pytest.mark.parametrize("outputs", [ONE, NONE, NESTED])
def test_arrays_that_differ_are_refused_whatever_their_dimensions(
    play: Play, fences: str, outputs: str
) -> None:
    instance = play.begin(compile_definition({"name": "flow", "steps": AB}))
    grant = play.take(instance, "a")
    complete = "select answer from onceflow.complete_tasks(%s, %s, '{a}', %s, %s::jsonb[])"
    arrays = fences.replace("%s", str(grant.fence)), outputs.replace("%s", "1")
    if NONE in (fences, outputs):
        with pytest.raises(BadArgument, match="arrays differ in length"), translated():
            play.row(complete, play.worker.id, [instance], *arrays)
    else:
        answer = play.row(complete, play.worker.id, [instance], *arrays)
        assert answer == ("accepted",)


# guarantee: key-of-one
def test_one_claim_has_the_key_of_its_task_however_that_is_written(play: Play) -> None:
    instance = play.begin(compile_definition({"name": "flow", "steps": AB}))
    claim = "select key from onceflow.claim_tasks(%s, %s, 1, %s, '{a/0}')"
    key = play.value(claim, play.worker.id, play.worker.next_token(), [instance])
    assert key == f"{instance}/a"
