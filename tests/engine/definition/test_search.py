"""`search`: which fields of the input instances are found by."""

from typing import Any

import pytest

from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import DefinitionError


def compiled(search: Any) -> Any:
    steps = [{"id": "a", "task": "t"}]
    return compile_definition({"name": "w", "steps": steps, "search": search})["search"]


def test_fields_are_named_without_the_root() -> None:
    listed = ["$.input.order", "$.input.customer.e-mail"]
    assert compiled(listed) == ["order", "customer.e-mail"]
    assert compiled([]) == []


@pytest.mark.parametrize(
    "path",
    [
        "order",
        "$.order",
        "$.input",
        "$.input.a[0]",
        "$.input.a[*].b",
        '$.input."a.b"',
        "$.input.a ",
        7,
    ],
)
def test_what_is_no_field_of_the_input_is_refused(path: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        compiled(["$.input.order", path])
    (fault,) = caught.value.faults
    assert fault.place.startswith("/search/1")
    assert "such as $.input.order" in fault.message


@pytest.mark.parametrize(
    "listed", ["$.input.a", ["$.input.a"] * 2, [f"$.input.f{n}" for n in range(17)]]
)
def test_lists_that_are_refused(listed: Any) -> None:
    with pytest.raises(DefinitionError):
        compiled(listed)
