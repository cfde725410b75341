"""What commands print as JSON is what the API answers: the same names, shapes and values."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.api.command import open_api_pool
from onceflow.engine.calls import start_instances
from onceflow.engine.settings import Settings

from ...api.hand_worker import HandWorker
from ...conftest import Connect
from .conftest import Onceflow


@pytest.fixture
def api(dsn: str) -> Iterator[TestClient]:
    settings = Settings(dsn=dsn, hosts=("testserver",))
    with open_api_pool(settings) as pool, TestClient(create_app(pool, settings)) as client:
        yield client


@pytest.fixture
def ids(worker: HandWorker, connect: Connect) -> list[str]:
    """Instances of all kinds: one that succeeded, two dead letters, one that has just begun."""
    inputs = [
        {"customer": "A", "total": 12.50},
        {"customer": "B"},
        {"customer": "C"},
        {"customer": "D"},
    ]
    keys = ["k", None, None, None]
    started = start_instances(connect(), "order", inputs, keys)
    found = [str(one.instance_id) for one in started]
    for instance in found[:3]:
        worker.complete(instance, {"reservation": 1.10})
    worker.complete(found[0], {"amount": 12.50})
    for instance in found[1:3]:
        worker.fail(instance, "card.refused", type="CardError", fingerprint="0123456789abcdef")
    return found


def test_lists_of_instances(onceflow: Onceflow, api: TestClient, ids: list[str]) -> None:
    onceflow("suspend", ids[3])
    assert onceflow("list", "--json").json == api.get("/instances").json()
    for options, query in (
        (["--state", "SUCCEEDED"], "status=SUCCEEDED"),
        (["--key", "k"], "key=k"),
        (["--suspended", "--workflow", "order"], "suspended=true&workflow=order"),
        (["--input", "customer=C"], "input.customer=C"),
    ):
        answer = api.get(f"/instances?{query}").json()
        assert answer["items"]
        assert onceflow("list", "--json", *options).json == answer, query
    first = onceflow("list", "--json", "--limit", 3).json
    assert first["items"] == api.get("/instances?limit=3").json()["items"]
    rest = onceflow("list", "--json", "--before", first["next"]).json
    assert [row["id"] for row in rest["items"]] == ids[:1]
    assert rest["next"] is None


def test_an_instance(onceflow: Onceflow, api: TestClient, ids: list[str]) -> None:
    for instance in ids:
        told = onceflow("show", instance, "--json").json
        # Seconds that a task waited and ran are told by the command line alone.
        spans = [(task.pop("waited"), task.pop("ran")) for task in told["tasks"]]
        assert all(waited is not None for waited, _ in spans)
        assert told == api.get(f"/instances/{instance}").json()
    log = [json.loads(line) for line in onceflow("watch", ids[0], "--json").out.splitlines()]
    assert log == api.get(f"/instances/{ids[0]}").json()["log"]


def test_reasons(onceflow: Onceflow, api: TestClient, ids: list[str]) -> None:
    told = onceflow("explain", ids[1], "--json").json
    # How it is typed is told by the command line alone.
    commands = [reason.pop("command") for reason in told["because"]]
    assert any(commands)
    assert told == api.get(f"/instances/{ids[1]}/explain").json()


@pytest.mark.parametrize("verb", ["suspend", "resume", "cancel", "erase"])
def test_decisions_about_instances(
    onceflow: Onceflow, api: TestClient, ids: list[str], verb: str
) -> None:
    of = ids[0] if verb == "erase" else ids[3]
    if verb == "resume":
        onceflow("suspend", of)
    asked = ["--yes"] if verb in ("cancel", "erase") else []
    (told,) = onceflow(verb, of, "--json", *asked).json
    if verb in ("suspend", "erase"):  # once more it is the same
        assert told == api.post(f"/instances/{of}/{verb}").json()
    assert shape(told) == {"id": "str", "outcome": "str", "detail": "str"}


def test_labels(onceflow: Onceflow, api: TestClient, ids: list[str]) -> None:
    given = {"labels": {"customer": "A", "team": None}}
    answer = api.post(f"/instances/{ids[0]}/labels", json=given).json()
    assert onceflow("label", ids[0], "customer=A", "team-", "--json").json == [answer]
    found = onceflow("list", "--json", "--label", "customer=A").json
    assert found == api.get("/instances?label.customer=A").json()
    assert [row["labels"] for row in found["items"]] == [{"customer": "A"}]


def test_dead_letters(onceflow: Onceflow, api: TestClient, ids: list[str]) -> None:
    # The command line begins with the oldest.
    told, answer = onceflow("dead-letters", "list", "--json").json, api.get("/dead-letters").json()
    assert told == {**answer, "items": answer["items"][::-1]}
    decided = onceflow("dead-letters", "redrive", f"{ids[1]}/pay", "--json").json
    body = {"dead_letters": [{"instance": ids[2], "task": "pay"}]}
    answer = api.post("/dead-letters/redrive", json=body).json()
    assert shape(decided) == shape(answer)
    assert decided["decided"][0]["instance"] == ids[1]


def test_workflows(onceflow: Onceflow, api: TestClient, ids: list[str], tmp_path: Any) -> None:
    assert (
        onceflow("versions", "order", "--json").json == api.get("/workflows/order/versions").json()
    )
    text = "name: another\nsteps: [{id: a, task: t}]\n"
    (tmp_path / "a.yaml").write_text(text)
    headers = {"content-type": "application/yaml"}
    answer = api.post("/workflows", content=text, headers=headers).json()
    (told,) = onceflow("deploy", tmp_path / "a.yaml", "--json").json["deployed"]
    # What it needs of the deployment the API tells where it is asked.
    file = str(tmp_path / "a.yaml")
    assert told == {"file": file, **answer, "created": False, "needs": [], "webhooks": []}


def test_starts(onceflow: Onceflow, api: TestClient, ids: list[str]) -> None:
    body = {"instances": [{"input": {"customer": "A", "total": 12.50}, "key": "k"}]}
    answer = api.post("/workflows/order/instances", json=body).json()
    given = (
        "start",
        "order",
        "--key",
        "k",
        "--input",
        '{"customer": "A", "total": 12.5}',
        "--json",
    )
    done = onceflow(*given)
    assert done.code == 0, done.err
    assert done.json == answer["instances"][0]
    waited = api.post(
        "/workflows/order/start?wait=1",
        json={"input": body["instances"][0]["input"]},
        headers={"Idempotency-Key": "k"},
    ).json()
    assert onceflow(*given, "--wait", 1).json == waited


def test_deferred_answers(
    onceflow: Onceflow, api: TestClient, worker: HandWorker, ids: list[str]
) -> None:
    token = worker.defer(ids[3])
    assert onceflow("complete", token, "--json").json["answer"] == "accepted"
    answer = api.post("/deferred/complete", json={"token": token}).json()
    assert onceflow("complete", token, "--json").json == answer


def shape(value: Any) -> Any:
    """Return a value with the names of types in place of what is in it."""
    match value:
        case dict():
            return {name: shape(item) for name, item in value.items()}  # pyright: ignore
        case list():
            return [shape(item) for item in value]  # pyright: ignore
        case _:
            return type(value).__name__
