"""Signals and events."""

from typing import Any

from starlette.testclient import TestClient

from .conftest import deploy

SELL = """
name: sell
steps:
  - {id: paid, wait_for: paid, timeout: 1d}
  - {id: shipped, wait_for: {event: shipped, key: $.input.order}}
  - {id: rest, sleep: 1h}
output: [$.steps.paid.output, $.steps.shipped.output]
"""


def start(client: TestClient) -> str:
    """Start an instance of it and return its id."""
    deploy(client, SELL)
    answer = client.post("/workflows/sell/start", json={"input": {"order": 7}})
    return answer.json()["id"]


def advice(client: TestClient, instance: str) -> dict[str, Any]:
    """Return what is advised about the task that waits."""
    reasons = client.get(f"/instances/{instance}/explain").json()["because"]
    (reason,) = [each for each in reasons if each["task"]]
    return reason["advice"]


def test_a_signal_and_an_event_end_what_waits_for_them(client: TestClient) -> None:
    instance = start(client)
    signal = f"/instances/{instance}/signals/paid"
    assert advice(client, instance) == {
        "verb": "signal",
        "args": {"instance": instance, "signal": "paid"},
    }
    assert f"onceflow signal {instance} paid" in client.get(f"/ui/instances/{instance}").text
    sent = client.post(signal, json={"payload": {"sum": 5}, "key": "k"})
    assert (sent.status_code, sent.json()) == (
        200,
        {"instance": instance, "outcome": "accepted", "task": "paid", "detail": "taken by paid"},
    )
    assert client.post(signal, json={"payload": {"sum": 5}, "key": "k"}).json()["task"] is None
    assert client.post(signal, json={"payload": 6, "key": "k"}).status_code == 409
    assert client.post(signal, json={"key": "early"}).json()["detail"] == (
        "kept until a step waits for it"
    )
    (kept,) = client.get(f"/instances/{instance}").json()["kept_signals"]
    assert (kept["name"], kept["key"]) == ("paid", "early")
    assert advice(client, instance) == {"verb": "event", "args": {"event": "shipped", "key": "7"}}
    event = {"name": "shipped", "key": "7", "payload": "by air", "id": "e"}
    sent = client.post("/events", json=event)
    assert (sent.status_code, sent.json()) == (200, {"id": "e", "outcome": "sent", "waited": 1})
    assert client.post("/events", json=event).json()["outcome"] == "repeated"
    assert client.post("/events", json={**event, "key": "8"}).status_code == 409
    tasks = client.get(f"/instances/{instance}").json()["tasks"]
    assert {task["task"]: task["state"] for task in tasks} == {
        "paid": "SUCCEEDED", "shipped": "SUCCEEDED", "rest": "WAITING",
    }  # fmt: skip
    assert "sleeps until" in client.get(f"/ui/instances/{instance}").text


def test_what_cannot_be_sent_is_refused_in_words(client: TestClient) -> None:
    instance = start(client)
    nobody = "01a205de-4851-7852-a2f3-9df555da97c8"
    assert client.post(f"/instances/{nobody}/signals/paid").status_code == 404
    wrong = client.post(f"/instances/{instance}/signals/1st")
    assert (wrong.status_code, "letter" in wrong.text) == (422, True)
    assert client.post("/events", json={"name": "1", "key": "7"}).status_code == 422
    client.post(f"/instances/{instance}/cancel")
    ended = client.post(f"/instances/{instance}/signals/paid")
    assert (ended.status_code, "CANCELLED" in ended.text) == (409, True)


def test_where_signals_are_declared_all_of_a_payload_is_checked(client: TestClient) -> None:
    deploy(
        client,
        """
name: declared
signals:
  paid: {type: object, required: [sum], properties: {sum: {type: number}, by: {pattern: "^bank"}}}
steps:
  - {id: paid, wait_for: paid}
""",
    )
    instance = client.post("/workflows/declared/start", json={}).json()["id"]
    signal = f"/instances/{instance}/signals"
    for payload, place in (({"sum": 1, "by": "cash"}, "/payload/by"), ({}, "/payload/sum")):
        wrong = client.post(f"{signal}/paid", json={"payload": payload})
        assert (wrong.status_code, wrong.json()["faults"][0]["place"]) == (422, place)
    other = client.post(f"{signal}/payed", json={"payload": 1})
    assert (other.status_code, "it takes paid" in other.text) == (422, True)
    typed = {"name": "paid", "payload": '{"sum": 1, "by": "cash"}'}
    page = client.post(f"/ui/instances/{instance}/signal", data=typed)
    assert (page.status_code, "/payload/by" in page.text) == (422, True)
    right = client.post(f"{signal}/paid", json={"payload": {"sum": 1, "by": "bank-3"}})
    assert right.json()["task"] == "paid"
    for payload, place in (
        ({"sum": 1, "by": "cash"}, "/signal/payload/by"),
        (3, "/signal/payload"),
    ):
        with_it = {"key": "a", "signal": {"name": "paid", "payload": payload}}
        wrong = client.post("/workflows/declared/start", json=with_it)
        assert (wrong.status_code, wrong.json()["faults"][0]["place"]) == (422, place)


def test_an_instance_is_started_with_a_signal(client: TestClient) -> None:
    deploy(client, SELL)
    path, key = "/workflows/sell/start", {"Idempotency-Key": "one"}
    body = {"input": {"order": 7}, "signal": {"name": "paid", "payload": 5, "key": "k"}}
    first = client.post(path, json=body, headers=key)
    assert first.status_code == 201
    instance = first.json()["id"]
    (paid, _) = client.get(f"/instances/{instance}").json()["tasks"]
    assert (paid["state"], paid["output"]) == ("SUCCEEDED", 5)
    assert client.post(path, json={**body, "key": "one"}).status_code == 200
    wrong = {**body, "key": "two", "signal": {"name": "1st"}}
    assert client.post(path, json=wrong).status_code == 422
    client.post(f"/instances/{instance}/cancel")
    late = {**body, "signal": {"name": "paid"}}
    refused = client.post(path, json=late, headers=key)
    assert refused.status_code == 409
    assert "takes no signals any more" in refused.json()["detail"]


def test_the_page_of_an_instance_sends_what_it_waits_for(client: TestClient) -> None:
    instance = start(client)
    page, send = f"/ui/instances/{instance}", f"/ui/instances/{instance}/signal"
    client.post(f"/instances/{instance}/signals/payed")
    shown = client.get(page).text
    assert 'name="name" value="paid"' in shown
    assert "keeps 1 of the signal payed" in shown
    typed = {"name": "paid", "payload": '{"sum": 5}'}
    assert client.post(send, data={**typed, "payload": "{sum"}).status_code == 422
    assert client.post(send, data=typed, follow_redirects=False).status_code == 303
    (paid, *_) = client.get(f"/instances/{instance}").json()["tasks"]
    assert paid["output"] == {"sum": 5}
    assert 'name="name" value="paid"' not in client.get(page).text
    client.post(f"/instances/{instance}/cancel")
    assert client.post(send, data=typed).status_code == 409
