"""Lists by filters that no index serves look at so many rows and say so; pages find all"""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition

MOST = 3


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("reads", "forms", "lists.instances", "lists.dead_letters"):
        monkeypatch.setattr(f"onceflow.engine.calls.{module}.LOOKED_AT", MOST)


def deploy(conn: psycopg.Connection[Any], kind: str = "set", **more: Any) -> None:
    step = {"id": "a", "set": 1} if kind == "set" else {"id": "a", "fail": {"code": "no.luck"}}
    calls.register_workflow(
        conn, compile_definition({"name": "w", "search": ["$.input.of"], "steps": [step], **more})
    )


def start(conn: psycopg.Connection[Any], number: int) -> list[str]:
    inputs = [{"of": "x"} for _ in range(number)]
    return [str(each.instance_id) for each in calls.start_instances(conn, "w", inputs)]


def pages(client: TestClient, path: str, **query: Any) -> tuple[list[str], list[int | None]]:
    """Read a list to its end: all that it found, and of each page how many it looked at."""
    found: list[str] = []
    looked: list[int | None] = []
    cursor = ""
    for _ in range(50):
        answer = client.get(path, params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [each.get("id") or each["instance"] for each in page["items"]]
        looked.append(page["looked_at"])
        if page["next"] is None:
            return found, looked
        cursor = page["next"]
    raise AssertionError("it never ends")


@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize("by", ["workflow", "fields"])
def test_instances_by_two_filters_are_all_found_page_by_page(
    client: TestClient, conn: psycopg.Connection[Any], by: str, limit: int
) -> None:
    deploy(conn)
    failed: list[str] = []
    for kind, number in (("set", 7), ("fail", 2), ("set", 5), ("fail", 1), ("set", 4)):
        deploy(conn, kind)
        started = start(conn, number)
        failed += started if kind == "fail" else []
    given = {"workflow": "w"} if by == "workflow" else {"input.of": "x"}
    found, looked = pages(client, "/instances", status="COMPENSATED", limit=limit, **given)
    assert found == sorted(failed, reverse=True)
    assert set(looked) == {None, MOST} or set(looked) == {None}
    found, _ = pages(client, "/instances", status="SUCCEEDED", limit=limit, **given)
    assert len(found) == 16


def test_what_another_version_has_further_down_is_not_passed_over(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    """One version is looked at further down than the next, whose matches lie between."""
    deploy(conn, "fail")
    older = start(conn, 2)
    deploy(conn)
    start(conn, MOST)
    deploy(conn, "fail", deadline="1h")
    between = start(conn, 2)
    deploy(conn, "fail", deadline="2h")
    newest = start(conn, MOST + 2)
    found, _ = pages(client, "/instances", workflow="w", status="COMPENSATED", limit=1)
    assert found == sorted(older + between + newest, reverse=True)


def test_a_page_of_instances_says_how_many_were_looked_at(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    deploy(conn)
    start(conn, 8)
    query = {"workflow": "w", "status": "FAILED"}
    first = client.get("/instances", params=query).json()
    assert (first["items"], first["looked_at"]) == ([], MOST)
    assert first["next"] is not None
    assert pages(client, "/instances", **query) == ([], [MOST, MOST, None])
    assert f"Of the {MOST} looked at no more fit" in client.get("/ui/instances", params=query).text
    served = client.get("/instances", params={"workflow": "w", "limit": 2}).json()
    assert (len(served["items"]), served["looked_at"]) == (2, None)


def test_dead_letters_by_what_no_index_serves_are_all_found_page_by_page(
    client: TestClient, conn: psycopg.Connection[Any], worker: Any, start: Callable[..., str]
) -> None:
    deploy(conn, "fail", on_failure="suspend")
    others = [str(each.instance_id) for each in calls.start_instances(conn, "w", [{"of": "x"}] * 8)]
    found, looked = pages(client, "/dead-letters", workflow="w", limit=2)
    assert found == sorted(others, reverse=True)
    assert set(looked) == {None}
    assert pages(client, "/dead-letters", code="x.*", limit=2) == ([], [MOST, MOST, None])
    assert pages(client, "/dead-letters", limit=2) == (
        sorted(others, reverse=True), [None] * 4,
    )  # fmt: skip
    shown = client.get("/ui/dead-letters", params={"code": "x.*"}).text
    assert f"Of the {MOST} looked at no more fit" in shown


def test_forms_by_what_no_index_serves_are_all_found_page_by_page(
    client: TestClient, conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onceflow.api.reads.forms.LOOKED_AT", MOST)
    for name in ("few", "many"):
        ask = {"title": "T", "to": ["ada"]}
        steps = [{"id": "ask", "approve": ask}]
        calls.register_workflow(conn, compile_definition({"name": name, "steps": steps}))
    many: list[Any] = [{}] * 7
    calls.start_instances(conn, "many", many)
    (few,) = calls.start_instances(conn, "few", [{}])
    calls.start_instances(conn, "many", [{}])
    mine = [str(few.instance_id)]
    for limit in (1, 50):
        found, looked = pages(client, "/forms", workflow="few", limit=limit)
        assert (found, set(looked)) == (mine, {MOST, None})
        assert len(pages(client, "/forms", workflow="many", limit=limit)[0]) == 8
    assert pages(client, "/forms", claimed_by="ada", limit=2) == ([], [MOST, MOST, MOST, None])
    found, looked = pages(client, "/forms", workflow="few", to="ada")
    assert (found, looked) == (mine, [None])
    text = client.get("/ui/forms?workflow=few").text
    assert f"Of the {MOST} looked at no more fit these filters" in text
