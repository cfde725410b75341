"""`labels`: names and values by which instances are found."""

from typing import Any

import pytest

from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import DefinitionError


def compiled(labels: Any, **more: Any) -> Any:
    steps = [{"id": "a", "task": "t"}]
    return compile_definition({"name": "w", "steps": steps, "labels": labels, **more})["labels"]


def test_they_are_one_tree() -> None:
    assert compiled({"team": "billing", "n": 1}) == {"v": {"team": "billing", "n": 1}}
    tree = compiled({"customer": "$.input.customer", "at": "$.instance.scheduled_at"})
    assert list(tree["o"]) == ["customer", "at"]
    assert compiled({}) == {"v": {}}
    unlabelled = {"name": "w", "steps": [{"id": "a", "task": "t"}]}
    assert compile_definition(unlabelled)["labels"] is None


@pytest.mark.parametrize(
    ("labels", "place", "message"),
    [
        (["a"], "/labels", "must be an object of names and values"),
        ({f"a{n}": 1 for n in range(33)}, "/labels", "has more than 32 labels"),
        ({"Customer": "x"}, "/labels/Customer", "the name of a label is a small letter"),
        ({"a" * 65: "x"}, "/labels/" + "a" * 65, "the name of a label is a small letter"),
        ({"a": {"b": 1}}, "/labels/a", "is an object; a label is a text"),
        ({"a": ["b"]}, "/labels/a", "is an array; a label is a text"),
        ({"a": "ż" * 128}, "/labels/a", "has 256 bytes, and 255 are the most"),
        ({"a": "$.steps.a.output"}, "/labels/a", "a label sees $.input or $.instance, not $.steps"),
        ({"a": "$.instance.name"}, "/labels/a", "not 'name'"),
        ({"a": "${ $config.region }"}, "/labels/a", "a label does not see $config"),
        ({"a": "${ $secrets.token }"}, "/labels/a", "secrets are for the `with`"),
        ({"a": "$.input.custmer"}, "/labels/a", "custmer"),
    ],
)
def test_what_is_no_label_is_refused_where_it_stands(labels: Any, place: str, message: str) -> None:
    customer = {"customer": {"type": "string"}}
    schema = {"type": "object", "properties": customer, "additionalProperties": False}
    with pytest.raises(DefinitionError) as caught:
        compiled(labels, input=schema)
    (fault,) = caught.value.faults
    assert fault.place == place
    assert message in fault.message
