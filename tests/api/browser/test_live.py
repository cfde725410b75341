"""A page that is looked at stays right by itself."""

from typing import Any

import httpx2
import psycopg
import pytest
from playwright.sync_api import Page, expect

from onceflow.engine.calls import Completion, complete_tasks

from ...support import wait_until
from ..definitions import ONE, ORDER
from ..hand_worker import HandWorker
from ..server import ApiServer
from ..test_server import YAML

pytestmark = pytest.mark.timeout(180)
PAID = """
name: paid
steps:
  - {id: only, task: test.only}
  - {id: paid, wait_for: paid}
  - {id: later, task: test.only}
"""
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def start(api: ApiServer, definition: str, **inputs: Any) -> str:
    """Register a workflow, start an instance of it, and return its id."""
    answer = httpx2.post(f"{api.url}/workflows", content=definition, headers=YAML)
    assert answer.status_code in (200, 201), answer.text
    name = answer.json()["name"]
    answer = httpx2.post(f"{api.url}/workflows/{name}/start", json={"input": inputs})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def open_live(tab: Page, instance: str) -> None:
    """Go to the page of an instance, and wait until it is live."""
    tab.goto(f"/ui/instances/{instance}")
    expect(tab.locator("#live")).to_have_text("live")


def test_an_instance_is_watched_to_its_end_without_a_reload(
    tab: Page, api: ApiServer, conn: psycopg.Connection[Any]
) -> None:
    worker = HandWorker(conn)
    instance = start(api, ORDER, customer="ALFKI", total=3)
    open_live(tab, instance)
    tab.evaluate("window.sameDocument = true")
    states = tab.locator("details.task > summary > .state")
    expect(states).to_have_text(["queued"])
    grant = worker.claim(instance)
    expect(states).to_have_text(["running"])
    complete_tasks(conn, worker.id, [Completion(grant.instance_id, grant.task, grant.fence, {})])
    expect(states).to_have_text(["succeeded", "queued"])
    worker.complete(instance, {"amount": 3})
    expect(tab.locator("h1 .state")).to_have_text("succeeded")
    expect(tab.get_by_text("Why is it not moving?")).to_have_count(0)
    expect(tab.locator("#live")).to_have_text("")  # nothing more is to come
    assert tab.evaluate("window.sameDocument")


def test_what_a_person_types_or_has_opened_stays_while_the_page_changes(
    tab: Page, api: ApiServer, conn: psycopg.Connection[Any]
) -> None:
    worker = HandWorker(conn)
    instance = start(api, PAID)
    worker.complete(instance, {})
    open_live(tab, instance)
    tab.locator("details.task > summary").first.click()
    tab.get_by_label("Payload of paid").fill('{"sum": 5}')
    for verb, states in (("suspend", ["running", "suspended"]), ("resume", ["running"])):
        httpx2.post(f"{api.url}/instances/{instance}/{verb}")
        expect(tab.locator("h1 .state")).to_have_text(states)
        expect(tab.get_by_label("Payload of paid")).to_have_value('{"sum": 5}')
        expect(tab.locator("details.task").first).to_have_attribute("open", "")
    tab.get_by_role("button", name="Send the signal").click()
    expect(tab.locator("details.task > summary > .state")).to_have_text(
        ["succeeded", "succeeded", "queued"]
    )
    tasks = httpx2.get(f"{api.url}/instances/{instance}").json()["tasks"]
    assert tasks[1]["output"] == {"sum": 5}


def test_a_hidden_page_is_told_nothing_until_it_is_seen_again(
    tab: Page, api: ApiServer, conn: psycopg.Connection[Any]
) -> None:
    worker = HandWorker(conn)
    instance = start(api, ONE)
    ended: list[str] = []
    tab.on("requestfailed", lambda one: ended.append(one.url))
    open_live(tab, instance)
    tab.evaluate(HIDE, True)
    wait_until(lambda: tab.evaluate("1") and ended, "the end of the stream")
    assert ["/ui/live?" in url for url in ended] == [True]
    worker.complete(instance)
    expect(tab.locator("h1 .state")).to_have_text("running")
    tab.evaluate(HIDE, False)
    expect(tab.locator("h1 .state")).to_have_text("succeeded")


def test_a_page_says_when_it_is_live_no_more(tab: Page, api: ApiServer) -> None:
    page = tab.context.new_page()  # whose console tells what it misses
    open_live(page, start(api, ONE))
    assert api.stop() == 0
    expect(page.locator("#live")).to_have_text("not live")
