"""The web pages: what they show, where they lead, and what their forms do."""

import re
from typing import Any
from urllib.parse import parse_qsl, urljoin

import httpx2
import psycopg
import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from onceflow.engine.calls import (
    BadMessage,
    quarantine_messages,
    register_workflow,
    start_instances,
)

from ..sql.play import turn_clock
from ..sql.workflows import fan
from .conftest import Start, deploy
from .definitions import ONE
from .hand_worker import HandWorker

FORM = "application/x-www-form-urlencoded"
SAME_SITE = {"sec-fetch-site": "same-origin", "content-type": FORM}
SCRIPT = "<script>alert(1)</script>"
OUR_SCRIPTS = {
    f'<script src="/static/{name}.js" defer>' for name in ("live", "uplot/uPlot.iife.min", "charts")
}


def post(client: TestClient, path: str, **form: str) -> httpx2.Response:
    """Send a form as a browser would, without following the redirect."""
    return client.post(path, data=form, headers=SAME_SITE, follow_redirects=False)


def page(client: TestClient, path: str) -> str:
    """Return a page that must be there."""
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


@pytest.fixture
def dead(client: TestClient, start: Start, worker: HandWorker) -> str:
    """An instance with a dead letter whose error tries to be a script."""
    instance = start(SCRIPT)
    worker.complete(instance, {"note": SCRIPT})
    worker.fail(instance, SCRIPT)
    return instance


def test_an_empty_system_is_well(client: TestClient, conn: psycopg.Connection[Any]) -> None:
    turn_clock(conn)
    assert "All is well" in page(client, "/")
    for path in ("/ui/instances", "/ui/dead-letters", "/ui/workflows", "/ui/workers"):
        page(client, path)


def test_of_a_long_log_the_last_entries_are_shown_and_all_on_request(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    register_workflow(conn, fan(250))
    (started,) = start_instances(conn, "flow", [{}])
    path = f"/ui/instances/{started.instance_id}"
    few = page(client, path)
    assert "the last 200 of 251 transitions" in few
    assert few.count('<td class="nowrap">') == 200
    (more,) = re.findall(r'href="(\?log=all)#log"', few)
    assert page(client, path + more).count('<td class="nowrap">') == 251
    assert "?log=all&amp;refresh" in page(client, path + more)


def test_where_an_error_came_from_is_folded_on_the_pages(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = start("a")
    worker.complete(instance, {"note": "a"})
    cause = {"relation": "member", "type": "KeyError", "message": SCRIPT, "traceback": [SCRIPT]}
    worker.fail(
        instance,
        "order.unknown",
        fingerprint="0123456789abcdef",
        traceback=["/app/orders.py:42 in pay: raise PermanentError(…)"],
        cause=[cause, {"relation": "more", "message": "further ones were left out"}],
    )
    for path in (f"/ui/instances/{instance}", "/ui/dead-letters"):
        text = page(client, path)
        assert "<summary>Where it came from</summary>" in text
        assert "/app/orders.py:42 in pay: raise PermanentError(…)" in text
        assert "One of the group: KeyError: " in text
        assert "And more: further ones were left out" in text
        assert "0123456789abcdef" in text
        assert SCRIPT not in text


@pytest.mark.parametrize("odd", [7, "x", {"a": 1}, [7, None, {"message": 1}, {"traceback": 7}]])
def test_errors_of_any_form_are_shown(
    client: TestClient, start: Start, worker: HandWorker, odd: object
) -> None:
    instance = start("a")
    worker.complete(instance, {"note": "a"})
    worker.fail(instance, "order.unknown", traceback=odd, cause=odd, fingerprint=odd)
    assert "order.unknown: it broke" in page(client, f"/ui/instances/{instance}")


def test_every_link_leads_somewhere_and_nowhere_else(
    client: TestClient, dead: str, conn: psycopg.Connection[Any]
) -> None:
    deploy(client, ONE)
    for _ in range(60):
        client.post("/workflows/one/start")
    quarantine_messages(conn, [BadMessage("t", 0, 1, SCRIPT.encode(), SCRIPT)])
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        path = waiting.pop().partition("#")[0]
        if path in seen or len(seen) > 60:
            continue
        seen.add(path)
        answer = client.get(path)
        assert answer.status_code == 200, path
        if not answer.headers["content-type"].startswith("text/html") or path == "/api":
            continue
        assert set(re.findall(r"<script[^>]*>[^<]*", answer.text)) <= OUR_SCRIPTS, path
        assert "style=" not in answer.text, path
        for link in re.findall(r'(?:href|src|action)="([^"]*)"', answer.text):
            assert not link.startswith(("http:", "https:", "//", "javascript:")), (path, link)
        links = re.findall(r'(?:href|src)="([^"]*)"', answer.text)
        waiting += [urljoin(path, link.replace("&amp;", "&")) for link in links]
    assert f"/ui/instances/{dead}" in seen
    assert "/ui/workflows/order/versions/1" in seen
    assert any("cursor=" in path for path in seen)


def test_the_overview_says_what_needs_a_person(client: TestClient, dead: str, start: Start) -> None:
    client.post(f"/instances/{start()}/suspend")
    text = page(client, "/")
    assert "1 dead letter waits for a decision" in text
    assert "1 instance suspended" in text
    assert "All is well" not in text
    assert dead in text


def test_a_queue_without_worker_is_an_alarm(client: TestClient, start: Start) -> None:
    start()
    assert "Queue default has 1 task and no live worker" in page(client, "/")


# guarantee: silence-untold
def test_a_clock_that_nobody_turns_is_an_alarm(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    assert "No relay has turned the clock yet: start one with onceflow relay." in page(client, "/")
    turn_clock(conn)
    assert "No relay" not in page(client, "/")
    assert "Turned by relay r:1" in page(client, "/ui/workers")


def test_what_an_instance_advises_leads_to_where_it_is_done(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = start("a")
    path = f"/ui/instances/{instance}"
    client.post(f"/instances/{instance}/suspend")
    text = page(client, path)
    assert 'resume it: <a href="#resume">Resume</a>' in text
    (form,) = re.findall(r'<form method="post" id="resume" action="([^"]*)">', text)
    assert post(client, form).status_code == 303
    assert "<code>onceflow relay</code>" in page(client, path)
    worker.complete(instance, {"note": "a"})
    worker.fail(instance, "order.unknown")
    (link,) = re.findall(r'redrive it: <a href="([^"]*)"', page(client, path))
    text = page(client, link)
    assert instance in text
    assert 'action="/ui/dead-letters/redrive"' in text


def test_an_instance_shows_why_it_does_not_move(
    client: TestClient, dead: str, worker: HandWorker
) -> None:
    text = page(client, f"/ui/instances/{dead}")
    assert "Why is it not moving?" in text
    assert "dead letter after 1 attempt" in text
    assert "&lt;script&gt;" in text
    assert f"/ui/dead-letters?instance={dead}" in text
    assert worker.id.hex not in text


def test_pages_of_things_that_are_not_there(client: TestClient) -> None:
    for path in (
        "/ui/instances/x",
        "/ui/instances/01a205de-4851-7852-a2f3-9df555da97c8",
        "/ui/workflows/nobody",
    ):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "<h1>404" in answer.text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/ui/instances?status=BUSY&workflow=order", "status "),
        ("/ui/instances?suspended=perhaps&workflow=order", "suspended "),
        ("/ui/instances?started_after=yesterday&workflow=order", "started after "),
        ("/ui/instances?workflow=nobody&key=my+key", "There is no workflow nobody"),
        ("/ui/dead-letters?instance=xyz&workflow=order", "instance "),
        ("/ui/dead-letters?workflow=nobody&step=b", "There is no workflow nobody"),
    ],
)
def test_a_wrong_filter_keeps_its_form(client: TestClient, dead: str, path: str, said: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert re.search(rf'role="alert">\s*(<div>)?{said}', answer.text)
    form = answer.text.partition('<form class="filters"')[2].partition("</form>")[0]
    for name, typed in parse_qsl(path.partition("?")[2]):
        assert (
            f'name="{name}" value="{typed}"' in form or f"<option selected>{typed}</option>" in form
        )
    assert dead not in answer.text


@pytest.mark.parametrize(("verb", "typed"), [("redrive", '{"a": '), ("skip", "nul")])
def test_a_wrong_decision_keeps_what_was_typed(
    client: TestClient, dead: str, verb: str, typed: str
) -> None:
    answer = post(client, f"/ui/dead-letters/{verb}", instance=dead, task="pay", json=typed)
    assert answer.status_code == 422
    assert "json is not JSON" in answer.text
    assert f'spellcheck="false">{escape(typed)}</textarea>' in answer.text
    assert dead in answer.text
    (action,) = re.findall(r'<form class="filters" method="get" action="([^"]*)"', answer.text)
    assert client.get(action).status_code == 200
    done = post(client, f"/ui/dead-letters/{verb}", instance=dead, task="pay", json="{}")
    assert done.status_code == 303, done.text
    again = post(client, f"/ui/dead-letters/{verb}", instance=dead, task="pay", json="{}")
    assert again.status_code == 409
    assert "Refused: " in again.text


def test_filters_that_are_left_empty_do_not_count(client: TestClient, start: Start) -> None:
    instance = start()
    text = page(client, "/ui/instances?workflow=&status=RUNNING&suspended=&started_after=")
    assert instance in text
    assert instance not in page(client, "/ui/instances?status=FAILED")


def test_the_beginning_of_an_id_leads_to_the_instance_or_to_those_there_are(
    client: TestClient, start: Start
) -> None:
    first = start()
    alone = client.get(f"/ui/instances/{first[:-1]}", follow_redirects=False)
    assert alone.headers["location"] == f"/ui/instances/{first}"
    second = start()
    several = client.get(f"/ui/instances/{first[:4]}", follow_redirects=False)
    text = page(client, several.headers["location"])
    assert first in text
    assert second in text
    assert second not in page(client, f"/ui/instances?id={first}")
    assert client.get("/ui/instances/ffff").status_code == 404
    assert client.get("/instances?id=ffff").json()["items"] == []
    assert client.get("/instances?id=--").json()["items"] == []
    assert client.get("/instances?id=x").status_code == 422
    assert [one["id"] for one in client.get(f"/instances?id={second}").json()["items"]] == [second]


def test_suspend_resume_and_cancel_by_form(client: TestClient, start: Start) -> None:
    instance = start()
    for decision, shown in (("suspend", "Resume"), ("resume", "Suspend"), ("cancel", "cancelled")):
        answer = post(client, f"/ui/instances/{instance}/{decision}")
        assert answer.status_code == 303
        assert shown in page(client, answer.headers["location"])
    refused = post(client, f"/ui/instances/{instance}/cancel")
    assert refused.status_code == 409
    assert "CANCELLED" in refused.text
    assert post(client, f"/ui/instances/{instance}/explode").status_code == 404


def test_labels_are_shown_and_changed_by_form(client: TestClient, start: Start) -> None:
    path = f"/ui/instances/{start()}"
    assert post(client, f"{path}/label", label="team = <b>&sales").status_code == 303
    text = page(client, path)
    assert "<span>team</span> &lt;b&gt;&amp;sales</a>" in text
    assert "/ui/instances?label=team%3D%3Cb%3E%26sales" in text
    assert post(client, f"{path}/label", label="team").status_code == 422
    assert post(client, f"{path}/label", label="Team=x").status_code == 422
    post(client, f"{path}/label", label="team=")
    assert "<span>team</span>" not in page(client, path)


def test_payloads_are_erased_by_form_by_who_says_so(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = start("ALFKI")
    path = f"/ui/instances/{instance}"
    assert 'id="erase"' not in page(client, path)
    worker.complete(instance, {"reserved": 3})
    worker.complete(instance, {"amount": 12.5})
    assert 'id="erase"' in page(client, path)
    assert post(client, f"{path}/erase", by=" ").status_code == 422
    assert post(client, f"{path}/erase", by="<anna>").status_code == 303
    text = page(client, path)
    assert "Payloads erased by &lt;anna&gt;" in text
    assert "ALFKI" not in text
    assert 'id="erase"' not in text


def test_redrive_by_form_with_a_corrected_input(
    client: TestClient, dead: str, worker: HandWorker
) -> None:
    assert "&#34;amount&#34;: 12.5" in page(client, "/ui/dead-letters")
    form = {"instance": dead, "task": "pay", "json": ' {"amount": 11.10} '}
    answer = post(client, "/ui/dead-letters/redrive", **form)
    assert answer.status_code == 303
    assert "1 tried again" in page(client, answer.headers["location"])
    assert worker.claim(dead).input_json == '{"amount": 11.10}'
    assert post(client, "/ui/dead-letters/redrive", **form).status_code == 409


def test_skip_and_discard_by_form(
    client: TestClient, dead: str, start: Start, worker: HandWorker
) -> None:
    other = start()
    worker.complete(other)
    worker.fail(other)
    post(client, "/ui/dead-letters/skip", instance=dead, task="pay", json='{"amount": 1}')
    assert client.get(f"/instances/{dead}").json()["output"] == {"paid": 1}
    post(client, "/ui/dead-letters/discard", instance=other, task="pay")
    assert client.get(f"/instances/{other}").json()["status"] == "FAILED"


def test_a_form_for_many_keeps_to_its_filter(
    client: TestClient, dead: str, start: Start, worker: HandWorker
) -> None:
    other = start()
    worker.complete(other)
    worker.fail(other)
    assert f'name="instance" value="{other}"' in page(client, f"/ui/dead-letters?instance={other}")
    answer = post(client, "/ui/dead-letters/redrive", instance=other)
    assert answer.status_code == 303
    assert "done=1" in answer.headers["location"]
    left = client.get("/dead-letters").json()["items"]
    assert [letter["instance"] for letter in left] == [dead]
    assert post(client, "/ui/dead-letters/redrive", workflow="nobody").status_code == 404
    assert "done=1" in post(client, "/ui/dead-letters/discard").headers["location"]


@pytest.mark.parametrize(
    "text", ["{", "{'a': 1}", '"\\u0000"', "[" * 10_000, '["\\u0000", 1e99999999999999999999]']
)
def test_an_input_that_is_no_json_is_told(client: TestClient, dead: str, text: str) -> None:
    form = {"instance": dead, "task": "pay", "json": text}
    answer = post(client, "/ui/dead-letters/redrive", **form)
    assert answer.status_code == 422
    assert client.get("/dead-letters").json()["items"] != []


def test_forms_of_other_sites_are_refused(client: TestClient, dead: str) -> None:
    form = {"instance": dead, "task": "pay"}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}):
        answer = client.post("/ui/dead-letters/discard", data=form, headers=headers)
        assert answer.status_code == 403
    plain = {**SAME_SITE, "content-type": "text/plain"}
    answer = client.post(
        "/ui/dead-letters/discard", content=f"task=pay&instance={dead}", headers=plain
    )
    assert answer.status_code == 415
    assert client.get("/dead-letters").json()["items"] != []


def test_quarantine_is_shown_escaped(client: TestClient, conn: psycopg.Connection[Any]) -> None:
    quarantine_messages(conn, [BadMessage("t", 0, 1, b"\xff" + SCRIPT.encode(), "no JSON")])
    text = page(client, "/ui/workers")
    assert r"\377&lt;script&gt;" in text
    assert post(client, "/ui/quarantine/release", cell="0", id="1").status_code == 303
    assert post(client, "/ui/quarantine/release", cell="0", id="x").status_code == 422


def test_what_cannot_be_taken_back_is_asked_before(
    client: TestClient, start: Start, dead: str
) -> None:
    letters = client.get("/ui/dead-letters").text
    assert dead in letters
    pages = letters + client.get(f"/ui/instances/{start()}").text
    forms = re.findall(r'<form method="post"[^>]* action="([^"]*)">(.*?)</form>', pages, re.DOTALL)
    asking = {path.rpartition("/")[2] for path, form in forms if 'type="checkbox" required' in form}
    assert asking == {"cancel", "skip", "discard"}
    assert all(
        'type="checkbox" required' in form
        for path, form in forms
        if path.endswith(("/cancel", "/skip", "/discard"))
    )
