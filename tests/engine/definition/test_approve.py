"""Steps that ask people: what may be written, and what it becomes."""

from typing import Any

import pytest

from onceflow.engine.definition import compile_definition
from onceflow.engine.json_text import Json

from .support import faults_of

ASKED = {"title": "Refund?", "to": ["managers"]}


def asking(**members: Json) -> dict[str, Any]:
    return {"name": "w", "steps": [{"id": "ask", "approve": {**ASKED, **members}}]}


def spec_of(**members: Json) -> dict[str, Any]:
    return compile_definition(asking(**members))["steps"][0]["spec"]


def test_what_is_asked_is_evaluated_and_the_form_is_kept_beside() -> None:
    schema = {"type": "object", "required": ["sum"], "properties": {"sum": {"type": "number"}}}
    spec = spec_of(
        title="Refund of ${ $.input.sum }", to="$.input.who", form=schema, due="2d", remind="1h"
    )
    assert spec["with"]["o"].keys() == {"title", "to", "due"}
    assert spec["with"]["o"]["due"] == {"v": 172800}
    assert spec["form"]["schema"] == schema
    assert spec["form"]["checks"] is not None
    assert spec["form"]["remind"] == 3600
    assert spec["form"]["decisions"] == ["approved", "rejected"]


def test_without_expressions_it_is_a_constant_and_asks_for_a_comment() -> None:
    spec = spec_of(due={"until": "2026-12-24T18:00:00Z"})
    assert spec["with"] == {"v": {**ASKED, "due": {"until": "2026-12-24T18:00:00Z"}}}
    assert [*spec["form"]["schema"]["properties"]] == ["comment"]
    assert "remind" not in spec["form"]


def test_what_it_gives_is_known() -> None:
    wrong = {"id": "b", "set": "$.steps.ask.output.decided"}
    definition = asking()
    definition["steps"].append(wrong)
    (fault,) = faults_of(definition)
    assert "has no 'decided', it has" in fault


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"title": ""}, "/title: must be what is asked, in words"),
        ({"title": 3}, "/title: must be what is asked, in words"),
        ({"to": []}, "/to: must be a person or a group"),
        ({"to": [3]}, "/to: must be a person or a group"),
        ({"to": ["$.input."]}, "/to/0: the expression is wrong"),
        ({"form": 3}, "/form: is no JSON Schema"),
        ({"form": {"type": "array"}}, "/form/type: a form is an object"),
        ({"form": {"type": "objekt"}}, "/form/type: is no JSON Schema"),
        ({"decisions": []}, "/decisions: must be 1 to 10 decisions"),
        ({"decisions": ["a", "a"]}, "/decisions/1: names 'a' twice"),
        ({"decisions": ["1 a"]}, "/decisions/0: must be a decision"),
        ({"due": "soon"}, "/due: must be a duration"),
        ({"due": {"until": "soon"}}, "/due/until: must be a time with its offset"),
        ({"remind": "1s"}, "/remind: must be at least a minute"),
        ({"timeout": "1h"}, "/timeout: write `due`"),
        ({"titel": "a"}, "/titel: a form has no key 'titel'; did you mean 'title'?"),
    ],
)
def test_a_faulty_form(members: dict[str, Json], fault: str) -> None:
    (found,) = faults_of(asking(**members))
    assert fault in found


def test_its_time_limit_is_called_due() -> None:
    definition = asking()
    definition["steps"][0]["timeout"] = "1h"
    (fault,) = faults_of(definition)
    assert "write `due` in `approve`" in fault
