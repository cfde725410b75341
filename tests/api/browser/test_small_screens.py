"""On a telephone no page is wider than the screen: what is wide scrolls in itself."""

from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page

from onceflow.engine.calls import (
    BadMessage,
    disable_workflows,
    pause_queues,
    quarantine_messages,
    register_workflow,
    start_instances,
    trigger_schedules,
)
from onceflow.engine.definition import compile_definition

from ...blocks import begin_batch
from ..hand_worker import HandWorker

WIDTH, HEIGHT = 390, 844
pytestmark = pytest.mark.timeout(120)

LONG = "a-name-of-as-many-letters-as-a-name-may-have-" + "x" * 80
WORDLESS = "w" * 300
WIDE = """
[...document.querySelectorAll('body *')].filter(one => {
  if (one.getBoundingClientRect().right <= innerWidth + 0.5) return false;
  for (let outer = one.parentElement; outer; outer = outer.parentElement)
    if (getComputedStyle(outer).overflowX !== 'visible') return false;
  return true;
}).map(one => one.outerHTML.slice(0, 200)).slice(0, 5)"""


def _nested() -> dict[str, Any]:
    """Return a block of items in a block of branches, all with the longest names there are."""
    step = {"id": "s" * 62, "task": LONG}
    items = {"id": "e" * 62, "for_each": [WORDLESS, {"id": WORDLESS}], "steps": [step]}
    return {"id": "b" * 62, "parallel": {"n" * 62: [items]}}


def fill(conn: psycopg.Connection[Any]) -> list[str]:
    """Make one of everything that pages show, all as long as it may be; return the pages."""
    steps = [{"id": "s" * 62, "task": LONG}, {"id": "b", "task": "short", "queue": LONG}]
    entry = {"id": "e" * 62, "schedule": {"cron": "0 6 * * *", "timezone": "Europe/Warsaw"}}
    definition = {"name": LONG, "on_failure": "suspend", "steps": steps, "description": WORDLESS}
    definition |= {"on": [entry]}
    register_workflow(conn, compile_definition(definition))
    register_workflow(conn, compile_definition({"name": WORDLESS[:99], "steps": [_nested()]}))
    inputs = [{"text": WORDLESS}] * 3
    keys = [f"{n}{'k' * 250}" for n in range(3)]
    started = [one.instance_id for one in start_instances(conn, LONG, inputs, keys)]
    worker = HandWorker(conn, tasks=[LONG, "short"])
    for one in started[:2]:
        worker.fail(str(one), LONG, message=WORDLESS, traceback=[WORDLESS])
    (nested,) = (one.instance_id for one in start_instances(conn, WORDLESS[:99], [{}]))
    quarantine_messages(conn, [BadMessage("t" * 200, 0, 1, WORDLESS.encode(), WORDLESS)])
    trigger_schedules(conn, [LONG], ["e" * 62])
    batch = begin_batch(conn)
    disable_workflows(conn, [LONG])
    pause_queues(conn, [LONG])
    return [
        *("/", "/?refresh", "/ui/instances", "/ui/dead-letters", "/ui/workflows", "/ui/workers"),
        *(f"/ui/instances/{started[n]}" for n in (0, 2)),
        *(f"/ui/instances/{batch}{asked}" for asked in ("", "?block=invoices", "?scope=7")),
        *(f"/ui/instances/{nested}{asked}" for asked in ("", "?block=" + "b" * 62, "?scope=2")),
        *("/ui/triggers", f"/ui/triggers?name={LONG}/{'e' * 62}"),
        *(f"/ui/workflows/{LONG}", f"/ui/dead-letters?instance={started[0]}"),
        *(f"/ui/instances?status={WORDLESS}&workflow={LONG}&key={keys[0]}", f"/{WORDLESS}", "/api"),
    ]


def test_no_page_is_wider_than_a_telephone(tab: Page, conn: psycopg.Connection[Any]) -> None:
    pages = fill(conn)
    tab.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    for page in pages:
        tab.goto(page)
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        width = tab.evaluate("document.documentElement.scrollWidth")
        assert width <= WIDTH, (page, width, tab.evaluate(WIDE))
