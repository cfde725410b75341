"""Instances with blocks: scopes counted, read page by page, and decided about."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.accounts import admission
from onceflow.api.pages import instances as pages
from onceflow.api.reads import instances as reads

from ..blocks import PAGES, begin_batch
from .test_pages import page

Json = Any
ORDER = re.compile(r"""{\s*(?:"|&#34;)order.*?}[\s,]*""", re.S)
"""An item as it stands in the input, of which there are as many as it has."""


@pytest.fixture
def batch(conn: psycopg.Connection[Any]) -> str:
    return str(begin_batch(conn))


def read(client: TestClient, path: str, **query: Any) -> Json:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_instance_tells_how_far_its_blocks_are(client: TestClient, batch: str) -> None:
    told = read(client, f"/instances/{batch}")
    assert [task["task"] for task in told["tasks"]] == ["fetch", "invoices"]
    assert told["not_reached"] == ["checks", "report"]
    assert told["scopes"] == PAGES
    block = told["tasks"][1]["block"]
    assert block["by_state"] == {"SUCCEEDED": 3, "FAILED": 1, "OPEN": 6, "WAITING": 20}
    assert (block["total"], block["percent"], block["max_parallel"]) == (30, 10, 6)
    logged = [(entry["task"], entry["path"], entry["state"]) for entry in told["log"]]
    assert (None, "invoices[3]", "FAILED") in logged
    assert ("render/1", "invoices[0]/render", "SUCCEEDED") in logged


def test_scopes_come_page_by_page_those_that_failed_first(client: TestClient, batch: str) -> None:
    path, seen = f"/instances/{batch}/scopes", list[int]()
    cursor: str | None = ""
    while cursor is not None:
        answer = read(client, path, block="invoices", limit=7, cursor=cursor)
        seen += [scope["ordinal"] for scope in answer["items"]]
        cursor = answer["next"]
    assert seen == [3, 5, 4, 6, 7, 8, 9, *range(10, 30), 0, 1, 2]
    first = read(client, path, block="invoices")["items"]
    assert len(first) == 20
    assert [task["task"] for task in first[1]["tasks"]] == ["render/6", "pages/6", "send/6"]
    assert first[1]["dead_letter"] is True
    assert first[1]["item"] == {"order": 10253}


def test_scopes_by_state_and_within_scopes(client: TestClient, batch: str) -> None:
    path = f"/instances/{batch}/scopes"
    waiting = read(client, path, block="invoices", state="WAITING", limit=200)["items"]
    assert [scope["ordinal"] for scope in waiting] == [*range(10, 30)]
    (inner,) = read(client, path, block="pages/7")["items"]
    assert (inner["path"], inner["tasks"][0]["task"]) == ("invoices[6]/pages[0]", f"draw/{PAGES}")
    assert len(read(client, path, limit=200)["items"]) == PAGES
    one = read(client, f"{path}/{PAGES}")
    assert [scope["path"] for scope in one["around"]] == ["invoices[6]"]
    seven = read(client, f"{path}/7")
    assert [task["task"] for task in seven["tasks"]] == ["render/7", "pages/7"]
    assert seven["tasks"][1]["block"]["by_state"] == {"OPEN": 1}
    assert seven["not_reached"] == ["send"]


@pytest.mark.parametrize(
    "path", ["scopes?block=nothing", "scopes?block=a/b", "scopes/99", "scopes/x", "scopes/-1"]
)
def test_what_is_not_there_is_not_found(client: TestClient, batch: str, path: str) -> None:
    assert client.get(f"/instances/{batch}/{path}").status_code == 404
    assert client.get(f"/instances/{batch}/scopes?cursor=x").status_code == 422


@contextmanager
def counted() -> Generator[list[str]]:
    """Note the statements that are run meanwhile."""
    noted: list[str] = []
    run: Any = psycopg.Cursor.execute

    def note(self: object, query: object, *rest: object, **more: object) -> object:
        noted.append(str(query))
        return run(self, query, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", note)
        yield noted


@pytest.fixture
def admitted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks any more whether there are accounts, which is done once a second."""
    monkeypatch.setattr(admission, "LOOK_AGAIN", 3600)
    assert client.get("/instances").status_code == 200


@pytest.mark.usefixtures("admitted")
def test_what_a_page_reads_does_not_grow_with_the_items(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    few, many = str(begin_batch(conn, 30)), str(begin_batch(conn, 10_000))
    conn.execute("analyze onceflow.scope, onceflow.task")
    for path in ("/instances/{}", "/ui/instances/{}", "/instances/{}/scopes?block=invoices"):
        statements: list[list[str]] = []
        lengths: list[int] = []
        for batch in (few, many):
            with counted() as noted:
                answer = client.get(path.format(batch))
                assert answer.status_code == 200, answer.text
                lengths.append(len(ORDER.sub("", answer.text)))
            statements.append(noted)
        assert statements[0] == statements[1], path
        assert lengths[1] < 1.1 * lengths[0] + 500, path


@pytest.mark.usefixtures("admitted")
def test_an_instance_without_blocks_is_asked_for_nothing_more(
    client: TestClient, start: Any
) -> None:
    instance = start()
    with counted() as noted:
        read(client, f"/instances/{instance}")
    asked = [statement for statement in noted if "onceflow." in statement]
    assert len(asked) == 5
    assert not any("onceflow.scopes" in statement for statement in asked)


def test_of_a_log_of_any_length_the_page_reads_what_it_shows(
    client: TestClient, batch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "MOST_OF_SCOPES", 20)
    monkeypatch.setattr(pages, "MOST_OF_LOG", 5)
    path = f"/ui/instances/{batch}"
    few = page(client, path)
    assert "its last 5 transitions" in few
    assert few.count('<td class="nowrap">') == 5
    (more,) = re.findall(r'href="(\?log=all)#log">the last 20<', few)
    many = page(client, path + more)
    assert "its last 20 transitions" in many
    assert many.count('<td class="nowrap">') == 20
    assert "#log" not in many


def test_the_page_shows_blocks_as_a_tree(client: TestClient, batch: str) -> None:
    text = page(client, f"/ui/instances/{batch}")
    for part in ("30 items", "1 failed", "6 open", "20 waiting", "10 % may fail", "6 at a time"):
        assert part in text, part
    assert text.index('"?scope=4"') < text.index('"?scope=6"') < text.index('"?scope=5"')
    assert "send/6" in text
    assert "see all 30" in text
    assert '"?scope=30"' not in text
    assert "invoices, item 5 of 30 (order 10253), step send: dead letter" in text
    one = page(client, f"/ui/instances/{batch}?scope=7")
    assert "pages" in one
    assert "Not due yet: <code>send</code>" in one
    listed = page(client, f"/ui/instances/{batch}?block=invoices&state=WAITING")
    assert '"?scope=30"' in listed
    assert '"?scope=4"' not in listed
    second = page(client, f"/ui/instances/{batch}?block=invoices")
    assert "cursor=" in second
    assert client.get(f"/ui/instances/{batch}?block=nothing").status_code == 404


def test_dead_letters_in_scopes_are_decided_by_name_and_by_filter(
    client: TestClient, batch: str
) -> None:
    def listed(**query: str) -> list[str]:
        return [item["path"] for item in read(client, "/dead-letters", **query)["items"]]

    assert listed() == listed(step="invoices") == listed(code="smtp.*") == ["invoices[5]/send"]
    assert listed(step="pages") == listed(code="http.*") == []
    assert "invoices[5]/send" in page(client, "/ui/dead-letters?step=invoices&code=smtp.*")

    body = {"filter": {"step": "invoices", "code": "smtp.*"}, "output": "by hand"}
    decided = client.post("/dead-letters/skip", json=body).json()["decided"]
    assert [(one["task"], one["outcome"]) for one in decided] == [("send/6", "done")]
    told = read(client, f"/instances/{batch}/scopes/6")
    assert told["tasks"][2]["output"] == "by hand"
    assert (told["state"], told["dead_letter"]) == ("SUCCEEDED", False)
