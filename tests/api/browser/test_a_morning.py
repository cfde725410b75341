"""What an operator does in the morning, in one browser from the login to the audit."""

import re
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from onceflow.engine.calls import Completion, complete_tasks, register_workflow
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.settings import Settings

from ..accounts.conftest import PASSWORD, log_in_new
from ..definitions import ORDER
from ..hand_worker import HandWorker
from ..server import running_api
from .conftest import PATIENCE

pytestmark = pytest.mark.timeout(240)


def test_an_operator_logs_in_starts_watches_mends_and_reads_who_did_it(
    browser: Browser, settings: Settings, conn: psycopg.Connection[Any]
) -> None:
    log_in_new(conn, "ben", "operator")
    register_workflow(conn, compile_definition(parse(ORDER, "yaml")))
    worker = HandWorker(conn)
    with (
        running_api(replace(settings, accounts="on")) as api,
        browser.new_context(base_url=api.url) as context,
    ):
        context.set_default_timeout(PATIENCE)
        tab = context.new_page()
        tab.goto("/ui/workflows/order/start")
        expect(tab.locator("h1")).to_have_text("Log in")
        tab.get_by_label("Name").fill("ben")
        tab.get_by_label("Password").fill(PASSWORD)
        tab.get_by_role("button", name="Log in").click()
        # Back where he was sent from, he starts one.
        tab.locator("[name='answer/customer']").fill("ALFKI")
        tab.locator("[name='answer/total']").fill("12.5")
        tab.get_by_role("button", name="Start an instance").click()
        expect(tab).to_have_url(re.compile("/ui/instances/[0-9a-f-]{36}"))
        instance = tab.url.rpartition("/")[2].partition("?")[0]
        expect(tab.locator("#live")).to_have_text("live")
        tab.evaluate("window.sameDocument = true")
        states = tab.locator("details.task > summary > .state")
        grant = worker.claim(instance)
        expect(states).to_have_text(["running"])
        done = Completion(grant.instance_id, grant.task, grant.fence, {})
        complete_tasks(conn, worker.id, [done])
        expect(states).to_have_text(["succeeded", "queued"])
        worker.fail(instance, "card.declined")
        expect(states).to_have_text(["succeeded", "dead letter"])
        assert tab.evaluate("window.sameDocument")
        # He decides about what has failed, with another input.
        tab.get_by_role("link", name="Decide about this dead letter").click()
        tab.locator("form[action$='/redrive'] textarea").first.fill('{"amount": 12}')
        tab.get_by_role("button", name="Redrive with this input").click()
        expect(tab.locator(".alarm.good").first).to_contain_text("tried again")
        tab.goto(f"/ui/instances/{instance}")
        expect(tab.locator("#live")).to_have_text("live")
        worker.complete(instance, {"amount": 12})
        expect(tab.locator("h1 .state")).to_have_text("succeeded")
        # Who did it stands in the audit.
        tab.get_by_role("link", name="Audit").click()
        entry = tab.locator("tbody tr", has_text="redrive_dead_letters")
        expect(entry).to_contain_text("person ben")
        expect(entry).to_contain_text(instance)
