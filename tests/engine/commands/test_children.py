"""``onceflow list`` and ``show`` of a family."""

import pytest

from ...api.families import FamilyIds, begin_family
from ...conftest import Connect
from .conftest import Onceflow


@pytest.fixture
def family(connect: Connect) -> FamilyIds:
    return begin_family(connect())


def test_list_is_of_roots_and_of_the_children_of_one(onceflow: Onceflow, family: FamilyIds) -> None:
    def found(*filters: str) -> list[str]:
        return [row["id"] for row in onceflow("list", "--json", *filters).json["items"]]

    assert found() == [family.parent]
    assert found("--state", "RUNNING") == [family.parent]
    assert found("--parent", family.parent) == [family.child]
    assert found("--workflow", "ship") == [family.child]
    assert f"for ship of {family.parent}" in onceflow("list", "--parent", family.parent).out
    onceflow("suspend", family.child)
    assert found("--suspended") == [family.child]


def test_show_leads_from_one_to_the_other(onceflow: Onceflow, family: FamilyIds) -> None:
    assert f"child {family.child} RUNNING" in onceflow("show", family.parent).out
    assert f"child of {family.parent}, for its ship" in onceflow("show", family.child).out
    shown = onceflow("show", family.parent, "--json").json
    assert shown["tasks"][0]["child"] == family.child
    assert onceflow("show", family.child, "--json").json["root"] == family.parent
