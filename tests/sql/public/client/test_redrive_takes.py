"""redrive_takes"""

import pytest

from ...play import Play


@pytest.mark.parametrize(
    ("kind", "place", "takes"),
    [
        ("task", None, "input"),
        ("task", "when", "input"),
        ("compensation", "value", "input"),
        ("set", "value", "value"),
        ("set", "when", "boolean"),
        ("switch", "case 1", "boolean"),
        ("for_each", "value", "array"),
        ("fail", "when", "boolean"),
        ("fail", "value", "error"),
        ("fail", None, "error"),
        ("steps", "timeout", None),
        ("for_each", "limit", None),
    ],
)
def test_a_task_takes_an_input_and_what_needs_no_worker_what_its_expression_should_have_given(
    play: Play, kind: str, place: str | None, takes: str | None
) -> None:
    error = "jsonb_strip_nulls(jsonb_build_object('place', %s::text))"
    assert play.value(f"select onceflow.redrive_takes(%s, {error})", kind, place) == takes
