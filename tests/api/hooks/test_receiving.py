"""Webhooks: what is believed, what it starts, and what is told to whom."""

import gzip
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from starlette.testclient import TestClient

from .conftest import SECRET, SECRETS, Api, Send, signed

Conn = psycopg.Connection[Any]


def instances(conn: Conn) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select id::text, trigger, input from onceflow.instances order by id"
    ).fetchall()


def failures(conn: Conn) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select trigger, code, times, key from onceflow.trigger_failures order by id"
    ).fetchall()


def test_a_signed_delivery_starts_an_instance(push: Send, conn: Conn) -> None:
    answer = push({"n": 7})
    assert answer.status_code == 202
    assert answer.json() == {"started": True, "id": instances(conn)[0][0]}
    assert instances(conn)[0][1:] == ("push", {"n": 7, "event": "push"})


def test_a_delivery_sent_again_is_answered_with_the_same_instance(push: Send, conn: Conn) -> None:
    first, again = push({"n": 7}), push({"n": 8})
    assert (again.status_code, again.json()) == (202, first.json())
    assert push({"n": 7}, guid="d-2").json() != first.json()
    assert len(instances(conn)) == 2


@pytest.mark.parametrize("secret", ["", "another", SECRET + " "])
def test_a_wrong_signature_starts_nothing(push: Send, conn: Conn, secret: str) -> None:
    answer = push({"n": 7}, secret=secret)
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers
    assert SECRET not in answer.text
    assert instances(conn) == []


def test_a_wrong_signature_is_told_before_anything_else_of_the_request(push: Send) -> None:
    for body in (b"", b"{", b"\xff"):
        assert push(body, secret="x", content_type="text/plain").status_code == 401


def test_without_a_signature_nothing_starts(client: TestClient, conn: Conn) -> None:
    for hook in ("push", "paid", "said"):
        assert client.post(f"/hooks/hooked/{hook}", json={"n": 1}).status_code == 401
    assert instances(conn) == []


def test_wrong_signatures_are_told_once_a_minute_and_counted(
    push: Send, api: Api, conn: Conn, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "onceflow.api"):
        for _ in range(5):
            push(secret="x")
    assert [r.getMessage() for r in caplog.records] == [
        "webhook hooked/push refused a request: its signature is not one by the secret"
    ]
    assert failures(conn) == [("push", "signature", 1, None)]
    api.refusals.tell(at_once=True)
    assert "refused 4 requests" in caplog.records[-1].getMessage()
    assert failures(conn) == [("push", "signature", 5, None)]


def test_an_old_delivery_is_not_taken_again(client: TestClient, conn: Conn) -> None:
    body = b'{"id": "evt_1"}'
    for age, status in ((301, 401), (-301, 401), (290, 202)):
        headers = signed("stripe", body, SECRETS["STRIPE"], age)
        assert (
            client.post("/hooks/hooked/paid", content=body, headers=headers).status_code == status
        )
    assert len(instances(conn)) == 1


def test_while_a_secret_is_turned_both_are_right(client: TestClient, conn: Conn) -> None:
    for n, secret in enumerate((SECRETS["STRIPE"], SECRETS["OLD"])):
        body = json.dumps({"id": f"evt_{n}"}).encode()
        headers = signed("stripe", body, secret)
        assert client.post("/hooks/hooked/paid", content=body, headers=headers).status_code == 202


def test_a_missing_secret_is_never_passed_over(push: Send, conn: Conn) -> None:
    for secret in ("", SECRET, "$secrets.NOT_THERE"):
        answer = push(hook="lost", secret=secret)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "NOT_THERE" not in answer.text
    assert instances(conn) == []
    assert failures(conn) == [("lost", "secret.missing", 1, None)]
    # What another secret proves is right all the same; what none does may be by the missing one.
    assert push(hook="turned").status_code == 202
    assert push(hook="turned", secret="x").status_code == 503


def test_what_there_is_not_tells_nothing_of_what_there_is(client: TestClient) -> None:
    answers = {
        client.post(path, json={}).text
        for path in (
            "/hooks/hooked/nothing",
            "/hooks/nothing/push",
            "/hooks/x/y",
            "/hooks/hooked/%27",
        )
    }
    assert len(answers) == 1
    assert json.loads(answers.pop())["status"] == 404
    assert client.get("/hooks/hooked/push").status_code == 405


def test_where_the_condition_is_false_nothing_starts(push: Send, conn: Conn) -> None:
    answer = push(X_GitHub_Event="issues")
    assert (answer.status_code, answer.json()) == (202, {"started": False})
    assert instances(conn) == []
    assert failures(conn) == []


def test_an_input_that_does_not_fit_is_told_and_noted(push: Send, conn: Conn) -> None:
    answer = push({"n": "seven"})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["place"] == "/n"
    assert push({"m": 7}, guid="d-2").status_code == 422
    assert instances(conn) == []
    assert failures(conn) == [("push", "invalid_input", 1, "d-1"), ("push", "expression", 1, None)]
    # Sent again once it is right, it starts.
    assert push({"n": 7}).status_code == 202


@pytest.mark.parametrize(("decision", "code"), [("paused", "paused"), ("disabled", "disabled")])
def test_while_nothing_may_start_its_sender_is_asked_to_try_again(
    push: Send, conn: Conn, decision: str, code: str
) -> None:
    if decision == "paused":
        conn.execute("update onceflow.trigger set paused_at = now()")
    else:
        conn.execute("select onceflow.disable_workflows(array['hooked'])")
    answer = push()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
    assert push(secret="x").status_code == 401
    assert instances(conn) == []
    assert failures(conn)[0][:3] == ("push", code, 1)


def test_numbers_keep_their_digits(client: TestClient, conn: Conn) -> None:
    body = b'{"body": 12345678901234567890.10, "k": 1}'
    assert (
        client.post(
            "/hooks/hooked/keyed", content=body, headers={"content-type": "application/json"}
        ).status_code
        == 202
    )
    rows = conn.execute("select input::text from onceflow.instances").fetchall()
    assert rows[0][0] == '{"k": 1, "body": 12345678901234567890.10}'


@pytest.mark.parametrize("key", ["a", 'ü"', "x" * 400, 7, 7.5, None])
def test_a_key_may_be_any_text_or_number(client: TestClient, conn: Conn, key: Any) -> None:
    answers = [client.post("/hooks/hooked/keyed", json={"k": key, "n": n}) for n in (1, 2)]
    assert [a.status_code for a in answers] == [202, 202]
    # Null means that none is like another.
    assert len({a.json()["id"] for a in answers}) == (2 if key is None else 1)
    assert len(instances(conn)) == (2 if key is None else 1)


@pytest.mark.parametrize("key", [[], {}, True, ""])
def test_a_key_that_is_none_is_told(client: TestClient, key: Any) -> None:
    answer = client.post("/hooks/hooked/keyed", json={"k": key})
    assert answer.status_code == 422
    assert "the key is" in answer.json()["faults"][0]["message"]


def test_keys_of_two_webhooks_have_nothing_to_do_with_each_other(
    client: TestClient, push: Send, conn: Conn
) -> None:
    client.post("/hooks/hooked/keyed", json={"k": "d-1"})
    headers = {"idempotency-key": "d-1"}
    client.post("/workflows/hooked/start", json={"input": {}}, headers=headers)
    assert push().json()["started"]
    assert len(instances(conn)) == 3


# How a request may come


def test_the_proofs_of_a_request_are_no_part_of_an_input(client: TestClient, conn: Conn) -> None:
    headers = {
        **{"Authorization": "Bearer t", "Cookie": "c=1", "Proxy-Authorization": "Basic b"},
        **{"X-Hub-Signature": "sha1=1", "X-Gitlab-Token": "t", "X-Api-Key": "k"},
        **{"X-Request-Id": "r", "X-Idempotency-Key": "i"},
    }
    client.post("/hooks/hooked/open?a=1&b=2&b=3", json=[1], headers=headers)
    ((_, _, given),) = instances(conn)
    assert given["body"] == [1]
    assert given["query"] == {"a": "1", "b": ["2", "3"]}
    kept = {name for name in given["headers"] if name.startswith(("x-", "c", "a", "p"))}
    assert kept <= {
        "x-request-id",
        "x-idempotency-key",
        "content-length",
        "content-type",
        "accept",
        "accept-encoding",
        "connection",
    }
    assert kept >= {"x-request-id", "x-idempotency-key"}


def test_headers_are_told_in_lower_case_whatever_was_sent(
    push: Send, client: TestClient, conn: Conn
) -> None:
    body = b'{"n": 1}'
    headers = {name.upper(): value for name, value in signed("github", body).items()}
    headers |= {"x-gitHUB-event": "push", "X-GITHUB-DELIVERY": "u"}
    assert client.post("/hooks/hooked/push", content=body, headers=headers).status_code == 202


def test_a_header_that_comes_twice_is_one_list(client: TestClient, conn: Conn) -> None:
    sent = [("content-type", "application/json"), ("x-a", "1"), ("X-A", "2")]
    client.post("/hooks/hooked/open", content=b"{}", headers=sent)
    assert instances(conn)[0][2]["headers"]["x-a"] == "1, 2"


def test_a_body_that_comes_in_chunks_is_signed_as_a_whole(client: TestClient) -> None:
    parts = [b'{"n"', b": ", b"7}"]

    def chunks() -> Iterator[bytes]:
        yield from parts

    headers = {
        **signed("github", b"".join(parts)),
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "c",
    }
    answer = client.post("/hooks/hooked/push", content=chunks(), headers=headers)
    assert answer.status_code == 202


def test_a_body_that_is_too_large_is_refused_unread(client: TestClient, conn: Conn) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(17):
            yield b" " * (1 << 16)

    for content in (b" " * ((1 << 20) + 1), chunks()):
        assert client.post("/hooks/hooked/push", content=content).status_code == 413
    assert failures(conn) == []


def test_a_compressed_body_is_refused_in_words(client: TestClient) -> None:
    body = gzip.compress(b'{"n": 1}')
    headers = {**signed("github", body), "content-encoding": "gzip"}
    answer = client.post("/hooks/hooked/push", content=body, headers=headers)
    assert (answer.status_code, "compressed" in answer.json()["detail"]) == (415, True)


def test_a_form_of_github_brings_json(push: Send, conn: Conn) -> None:
    body = urlencode({"payload": '{"n": 7}'}).encode()
    assert push(body, content_type="application/x-www-form-urlencoded").status_code == 202
    assert instances(conn)[0][2]["n"] == 7


def test_a_command_of_slack_is_an_object(client: TestClient, conn: Conn) -> None:
    body = urlencode({"command": "/deploy", "text": "ü & all", "trigger_id": "1.2"}).encode()
    headers = {
        **signed("slack", body, SECRETS["SLACK"]),
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    }
    answer = client.post("/hooks/hooked/said", content=body, headers=headers)
    # Slack takes nothing but 200 for an answer to a command.
    assert answer.status_code == 200
    assert instances(conn)[0][2] == {"command": "/deploy", "text": "ü & all", "trigger_id": "1.2"}


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b"<a/>", "text/xml", 415),
        (b"{}", "", 415),
        (b'{"a": "\\u0000"}', "application/json", 422),
        (b'{"a": 1e999999}', "application/json", 422),
        (b"[" * 500 + b"]" * 500, "application/json", 422),
        (b"{}", "application/cloudevents+json", 202),
        (b"", "", 202),
    ],
)
def test_what_cannot_be_read_is_told(
    client: TestClient, content: bytes, kind: str, status: int
) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = client.post("/hooks/hooked/open", content=content, headers=headers)
    assert answer.status_code == status, answer.text


# What senders ask


def test_slack_gets_its_challenge_back(client: TestClient, conn: Conn) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZb"}).encode()
    headers = signed("slack", body, SECRETS["SLACK"])
    answer = client.post("/hooks/hooked/said", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"started": False, "challenge": "3eZb"})
    assert client.post("/hooks/hooked/said", content=body).status_code == 401
    assert instances(conn) == []


def test_a_ping_of_github_starts_nothing(push: Send, conn: Conn) -> None:
    answer = push({"zen": "Keep it logically awesome."}, X_GitHub_Event="ping")
    assert (answer.status_code, answer.json()) == (200, {"started": False})
    assert push(X_GitHub_Event="ping", secret="x").status_code == 401
    assert instances(conn) == []


# Pages of other sites


@pytest.mark.parametrize(
    "header", [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
)
def test_a_signature_counts_for_more_than_where_a_browser_was(
    push: Send, client: TestClient, header: tuple[str, str]
) -> None:
    assert push(**dict([header])).status_code == 202
    answer = client.post("/hooks/hooked/open", json={}, headers=dict([header]))
    assert answer.status_code == 403
    assert client.post("/hooks/hooked/open", json={}).status_code == 202
