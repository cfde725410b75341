"""Families in the API and on its pages: lists of roots, and the way from parent to child."""

from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from .families import FamilyIds, begin_family


@pytest.fixture
def family(conn: psycopg.Connection[Any]) -> FamilyIds:
    return begin_family(conn)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", ["parent"]),
        ("status=RUNNING", ["parent"]),
        ("suspended=false", ["parent"]),
        ("started_after=2020-01-01T00:00:00Z", ["parent"]),
        ("parent={parent}", ["child"]),
        ("parent={child}", []),
        ("parent={parent}&status=FAILED", []),
        ("parent={parent}&started_after=2020-01-01T00:00:00Z", ["child"]),
        ("workflow=ship", ["child"]),
        ("workflow=ship&started_after=2020-01-01T00:00:00Z", []),
        ("id={child}", ["child"]),
    ],
)
def test_lists_are_of_roots_unless_something_is_named(
    client: TestClient, family: FamilyIds, asked: str, names: list[str]
) -> None:
    answer = client.get("/instances?" + asked.format(**family._asdict()))
    assert answer.status_code == 200, answer.text
    wanted = [getattr(family, name) for name in names]
    assert [item["id"] for item in answer.json()["items"]] == wanted


def test_children_come_page_by_page(client: TestClient, family: FamilyIds) -> None:
    page = client.get("/instances", params={"parent": family.parent, "limit": 1}).json()
    assert page["next"] is None
    assert page["items"][0]["parent_task"] == "ship"
    assert client.get("/instances", params={"parent": "sell"}).status_code == 422


def test_parent_and_child_name_each_other(client: TestClient, family: FamilyIds) -> None:
    parent, child = (client.get(f"/instances/{each}").json() for each in family)
    assert [parent[name] for name in ("parent", "parent_task", "root")] == [None] * 3
    assert [child[name] for name in ("parent", "parent_task", "root")] == [
        family.parent, "ship", family.parent,
    ]  # fmt: skip
    (ship,) = parent["tasks"]
    assert (ship["child"], ship["child_status"]) == (family.child, "RUNNING")
    assert [task["child"] for task in child["tasks"]] == [None]
    client.post(f"/instances/{family.child}/cancel")
    (ship,) = client.get(f"/instances/{family.parent}").json()["tasks"]
    assert ship["child_status"] == "CANCELLED"


def test_the_pages_of_a_family_lead_to_each_other(client: TestClient, family: FamilyIds) -> None:
    above = client.get(f"/ui/instances/{family.parent}").text
    assert f'/ui/instances/{family.child}"' in above
    assert f'/ui/instances?parent={family.parent}"' in above
    assert f'/ui/instances/{family.parent}"' in client.get(f"/ui/instances/{family.child}").text
    listed = client.get("/ui/instances").text
    assert family.parent in listed
    assert family.child not in listed
    assert family.child in client.get(f"/ui/instances?parent={family.parent}").text
    assert family.child not in client.get("/").text


def test_a_child_is_not_erased_by_itself(client: TestClient, family: FamilyIds) -> None:
    client.post(f"/instances/{family.child}/cancel")
    refused = client.post(f"/instances/{family.child}/erase")
    assert refused.status_code == 409
    assert family.parent in refused.json()["detail"]
