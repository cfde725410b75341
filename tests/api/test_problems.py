"""Every error is a problem document that says what was wrong and gives nothing away."""

import logging
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql
from starlette.testclient import TestClient

from onceflow.api import requests
from onceflow.api.app import create_app
from onceflow.engine.pool import open_pool
from onceflow.engine.settings import Settings

from ..servers import Database, Servers
from ..support import wait_until
from .conftest import OURS, deploy
from .definitions import ITEM, ONE

JSON = {"content-type": "application/json"}


def check(answer: Any, status: int) -> dict[str, Any]:
    """Return the problem that an answer tells."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem.keys() - {"instance"} == {"type", "title", "status", "detail", "faults"}
    return problem


def test_unknown_paths(client: TestClient) -> None:
    for path in ("/nothing", "/workflows/", "/workflows/a/b/c", "/static/nothing.css"):
        check(client.get(path), 404)


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/nothing", "/instances/x", "/workflows/nobody", "/static/no"])
def test_a_person_gets_a_page_with_a_way_back(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"accept": BROWSER})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    assert '<a href="/">Back to the overview</a>' in answer.text
    assert answer.text.count("<h1>404") == 1


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "application/problem+json, text/html;q=0.5", "text/html;q=x", ""],
)
def test_a_program_gets_problem_details(client: TestClient, accept: str) -> None:
    check(client.get("/nothing", headers={"accept": accept}), 404)
    check(client.post("/nothing", headers={"accept": BROWSER}), 404)


def test_a_person_who_calls_by_another_name_gets_a_page_too(client: TestClient) -> None:
    answer = client.get("/", headers={"accept": BROWSER, "host": "evil.example"})
    assert answer.status_code == 421
    assert "ONCEFLOW_HOSTS" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_other_methods_are_told_which_there_are(client: TestClient) -> None:
    answer = client.delete("/workflows")
    check(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_head_is_answered_like_get_without_a_body(client: TestClient) -> None:
    answer = client.head("/version")
    assert answer.status_code == 200
    assert answer.content == b""


def test_bodies_of_other_types(client: TestClient) -> None:
    deploy(client, ONE)
    for path, body in (("/workflows", ONE), ("/workflows/one/start", "{}")):
        check(client.post(path, content=body, headers={"content-type": "text/plain"}), 415)
    problem = check(client.post("/workflows", content=ONE), 415)
    assert "application/yaml" in problem["detail"]
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert client.post("/workflows/one/start", content="{}", headers=headers).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b'{"input": {}} x',
        b'{"input": "\xff"}',
        b'{"input": {"a": "\\ud800"}}',
        b'{"input": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_not_json_is_malformed(client: TestClient, body: bytes) -> None:
    deploy(client, ONE)
    check(client.post("/workflows/one/start", content=body, headers=JSON), 400)
    check(client.post("/workflows", content=body, headers=JSON), 400)


@pytest.mark.parametrize(
    ("number", "status"),
    [("1e", 400), ("01", 400), ("1e99999999999999999999", 422), ("9" * 5_000, 422)],
    ids=["half", "zero", "exponent", "digits"],
)
@pytest.mark.parametrize("member", ["dead_letters", "later"])
def test_what_no_reader_takes_is_no_fault_of_ours_beside_others(
    client: TestClient, member: str, number: str, status: int
) -> None:
    members = {"dead_letters": '""', "output": f'["\\u0000", {number}]', member: '""'}
    body = ", ".join(f'"{name}": {value}' for name, value in members.items())
    check(client.post("/dead-letters/skip", content=f"{{{body}}}", headers=JSON), status)


def test_wrong_members_are_all_named(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOMENT", 10.0)  # a busy machine names only the first
    deploy(client, ONE)
    body: Any = {"instances": [{"input": ITEM, "kay": 1}, {"key": ""}, ITEM], "version": "1"}
    problem = check(client.post("/workflows/one/instances", json=body), 422)
    places = {fault["place"] for fault in problem["faults"]}
    assert places == {"/instances/0/kay", "/instances/1/key", "/version"}


def test_nul_characters_are_refused_with_their_places(client: TestClient) -> None:
    deploy(client, ONE)
    body = {"input": {"a": ["x", "b\0"], "c\0": 1}}
    problem = check(client.post("/workflows/one/start", json=body), 422)
    assert [fault["place"] for fault in problem["faults"]] == ["/input/a/1", "/input/c\0"]
    check(client.get("/instances", params={"workflow": "a\0"}), 422)
    definition = '{"name": "n", "steps": [{"id": "a", "task": "t", "with": {"x": "\\u0000"}}]}'
    check(client.post("/workflows", content=definition, headers=JSON), 422)


def test_values_that_postgres_cannot_hold(client: TestClient) -> None:
    deploy(client, ONE)
    huge = '{"input": {"n": 1e200000}}'
    problem = check(client.post("/workflows/one/start", content=huge, headers=JSON), 422)
    assert [fault["place"] for fault in problem["faults"]] == ["/input/n"]


def test_an_exponent_of_many_zeros_is_read(client: TestClient) -> None:
    deploy(client, ONE)
    ten = f'{{"input": {{"n": 1e{"0" * 5_000}1}}}}'
    answer = client.post("/workflows/one/start", content=ten, headers=JSON)
    assert answer.status_code == 201, answer.text
    assert answer.json()["input"] == {"n": 10}


def test_bodies_are_limited(client: TestClient) -> None:
    deploy(client, ONE)
    fits = '{"input": {"text": "' + "x" * (1024 * 1024 - 23) + '"}}'
    assert len(fits) == 1024 * 1024
    assert client.post("/workflows/one/start", content=fits, headers=JSON).status_code == 201
    check(client.post("/workflows/one/start", content=fits + " ", headers=JSON), 413)

    def chunks() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    check(client.post("/workflows/one/start", content=chunks(), headers=JSON), 413)


def test_an_unexpected_error_gives_a_name_and_nothing_else(
    client: TestClient, conn: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    conn.execute("alter view onceflow.queues rename column queued to secret_name")
    with caplog.at_level(logging.ERROR, "onceflow.api"):
        problem = check(client.get("/queues"), 500)
    assert "queued" not in problem["detail"]
    assert problem["instance"].startswith("urn:uuid:")
    assert problem["instance"] in caplog.text
    assert "UndefinedColumn" in caplog.text


def test_a_database_without_schema(empty_database: Database, settings: Settings) -> None:
    without = replace(settings, dsn=empty_database.dsn)
    with open_pool(without, "api") as pool, TestClient(create_app(pool, OURS)) as client:
        assert client.get("/health/live").status_code == 200
        assert "onceflow migrate" in check(client.get("/health/ready"), 503)["detail"]
        assert "onceflow migrate" in check(client.get("/instances"), 503)["detail"]


def test_a_schema_that_lacks_a_migration(client: TestClient, conn: psycopg.Connection[Any]) -> None:
    assert client.get("/health/ready").json()["status"] == "ok"
    conn.execute("insert into onceflow_migrations.content values ('9999-of-a-newer-release', '')")
    assert client.get("/health/ready").status_code == 200
    conn.execute("delete from onceflow_migrations.content where migration like '0001%'")
    assert "0001" in check(client.get("/health/ready"), 503)["detail"]


def test_postgres_away(settings: Settings, database: Database, servers: Servers) -> None:
    name = sql.Identifier(database.name)
    with (
        psycopg.connect(servers.dsn, autocommit=True) as admin,
        open_pool(settings, "api", timeout=0.5) as pool,
        TestClient(create_app(pool, OURS)) as client,
    ):
        assert client.get("/instances").status_code == 200
        admin.execute(sql.SQL("alter database {} allow_connections false").format(name))
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
            (database.name,),
        )
        answer = client.get("/instances")
        check(answer, 503)
        assert answer.headers["retry-after"] == "1"
        check(client.get("/health/ready"), 503)
        assert client.get("/health/live").status_code == 200
        admin.execute(sql.SQL("alter database {} allow_connections true").format(name))
        wait_until(lambda: client.get("/health/ready").status_code == 200, "the pool to be back")
        assert client.get("/instances").status_code == 200
