"""Any definition is refused in words, or its instances come to an end, whatever their input."""

import json
from typing import Any
from uuid import UUID

from hypothesis import event, given
from hypothesis import strategies as st

from .definitions import YAML, nearly, sound
from .doors import Doors
from .effort import MARKS, bounded
from .schemas import SCHEMAS
from .values import SOUND, VALUES

pytestmark = MARKS
INPUTS = st.lists(SOUND | VALUES, min_size=1, max_size=3)


def deployed(doors: Doors, text: str, kind: str = "application/json") -> str | None:
    """Deploy; return the workflow's name, or None where it was refused in words."""
    answer = doors.post("/workflows", text, kind)
    event(f"a definition is answered by {answer.status_code}")
    if answer.status_code in (200, 201):
        return answer.json()["name"]
    assert answer.status_code in (400, 413, 422), answer.text
    assert answer.json()["detail"], answer.text
    if answer.status_code == 422:
        assert answer.json()["faults"], answer.text
    return None


def started(doors: Doors, workflow: str, inputs: list[str]) -> list[UUID]:
    """Start with what of the inputs is taken; return the instances."""
    ids: list[UUID] = []
    for given_input in inputs:
        body = f'{{"input": {{"value": {given_input}, "a": 1}}}}'
        answer = doors.post(f"/workflows/{workflow}/start", body)
        event(f"a start is answered by {answer.status_code}")
        if answer.status_code == 201:
            ids.append(UUID(answer.json()["id"]))
        else:
            assert answer.status_code in (400, 413, 422), answer.text
    items = ", ".join(f'{{"input": {{"value": {given}, "a": {given}}}}}' for given in inputs)
    answer = doors.post(f"/workflows/{workflow}/instances", f'{{"instances": [{items}]}}')
    if answer.status_code == 200:
        ids += [UUID(i["id"]) for i in answer.json()["instances"] if i["outcome"] == "started"]
    else:
        assert answer.status_code in (400, 413, 422), answer.text
    return ids


@bounded(30)
@given(definition=sound(), inputs=INPUTS)
def test_instances_come_to_an_end_or_say_what_they_wait_for(
    doors: Doors, definition: dict[str, Any], inputs: list[str]
) -> None:
    name = deployed(doors, json.dumps(definition))
    doors.check(started(doors, name, inputs) if name else ())


@bounded(15)
@given(schema=SCHEMAS, inputs=INPUTS)
def test_inputs_are_held_against_any_schema(doors: Doors, schema: Any, inputs: list[str]) -> None:
    steps = [{"id": "a", "task": "fuzz.echo", "with": {"value": "$.input"}}]
    name = deployed(doors, json.dumps({"name": "held", "input": schema, "steps": steps}))
    doors.check(started(doors, name, inputs) if name else ())


@bounded(40)
@given(text=nearly())
def test_json_that_is_nearly_a_definition(doors: Doors, text: str) -> None:
    name = deployed(doors, text)
    doors.check(started(doors, name, ["1"]) if name else ())


@bounded(50)
@given(text=YAML)
def test_yaml_that_is_nearly_a_definition(doors: Doors, text: str) -> None:
    name = deployed(doors, text, "application/yaml")
    doors.check(started(doors, name, ["1"]) if name else ())
