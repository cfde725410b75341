"""Every page, as people come to it who do not see it, or whose browser runs no scripts."""

from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from onceflow.api.pages import PAGES
from onceflow.engine.settings import Settings

from ...fuzz.effort import AT_LENGTH
from ...servers import Servers, create_database, drop_database
from ..server import ApiServer, running_api
from .scene import Scene, fill
from .screenshots import COLOURS, Colour, logged_in, settle, visit

pytestmark = pytest.mark.timeout(600)
NO_PAGES = {"/ui/live", "/ui/audit/export"}
"""They answer a browser with events, and with a file."""
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def scene_of(servers: Servers) -> Iterator[tuple[ApiServer, Scene]]:
    """The api of a deployment where something is on every page."""
    database = create_database(servers, migrated=True)
    with closing(database.connect()) as conn:
        scene = fill(conn)
    settings = Settings(dsn=database.dsn, kafka=servers.kafka, port=0, accounts="on")
    with running_api(settings) as api:
        yield api, scene
    drop_database(servers, database.name)


def test_the_scene_has_each_page_that_there_is(scene_of: tuple[ApiServer, Scene]) -> None:
    paths = {page.partition("?")[0] for page in scene_of[1].pages}
    missed = [
        route.path
        for route in PAGES
        if "GET" in (route.methods or ())
        and route.path not in NO_PAGES
        and not any(route.path_regex.match(path) for path in paths)
    ]
    assert missed == []


@pytest.mark.parametrize("colour", [COLOURS[0], pytest.param(COLOURS[1], marks=AT_LENGTH)])
def test_axe_finds_nothing_grave_on_any_page(
    browser: Browser, scene_of: tuple[ApiServer, Scene], colour: Colour
) -> None:
    api, scene = scene_of
    found: list[str] = []
    with logged_in(browser, api.url, scene, colour) as context:
        page = context.new_page()
        for path in scene.pages:
            visit(page, path)
            settle(page)
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            page.evaluate(AXE)
            result: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
            found += [
                f"{path}: {fault['id']}: {fault['nodes'][0]['html'][:150]}"
                for fault in result["violations"]
                if fault["impact"] in GRAVE
            ]
    assert found == []


def test_without_scripts_each_page_is_read(
    browser: Browser, scene_of: tuple[ApiServer, Scene]
) -> None:
    api, scene = scene_of
    with logged_in(browser, api.url, scene, "light", scripts=False) as context:
        page = context.new_page()
        for path in scene.pages:
            answer = visit(page, path)
            assert answer.status == (404 if "nowhere" in path else 200), path
            expect(page.locator("h1")).to_be_visible()
            for table in page.locator("figure.chart").all():  # what a script would draw
                table.locator("summary").click()
                expect(table.locator("tbody tr").first).to_be_visible()


def test_without_scripts_single_things_are_done(
    browser: Browser, scene_of: tuple[ApiServer, Scene]
) -> None:
    """Each is done by its form; the page that follows tells it."""
    api, scene = scene_of
    with logged_in(browser, api.url, scene, "light", scripts=False) as context:
        page = context.new_page()

        def press(button: str, inside: Page | Locator = page) -> None:
            inside.get_by_role("button", name=button, exact=True).first.click()

        page.goto(f"/ui/instances/{scene.held}")
        press("Resume")
        expect(page.get_by_role("button", name="Suspend")).to_be_visible()
        press("Suspend")
        expect(page.locator("h1")).to_contain_text("suspended")
        page.get_by_label("what has run is undone").check()
        press("Cancel this instance")
        expect(page.locator("h1")).to_contain_text("compensating")
        page.goto(f"/ui/instances/{scene.paid}")
        page.get_by_label("Payload of").fill('{"sum": 440}')
        press("Send the signal")
        expect(page.locator("details.task", has_text="paid").first).to_contain_text("succeeded")
        page.goto(f"/ui/dead-letters?instance={scene.dead}")
        press("Redrive with this input")
        expect(page.locator(".alarm.good").first).to_contain_text("tried again")
        page.goto("/ui/forms")
        page.get_by_role("link", name="Refund of 2400").click()
        press("Claim it")
        page.get_by_label("What is paid").fill("2000")
        press("Approved")
        expect(page.locator(".alarm.good")).to_have_text("Answered.")
        page.goto("/ui/workflows/order-invoice/start")
        for field, typed in (("shop", "https://x.example"), ("customer", "A"), ("email", "a@b.c")):
            page.locator(f"[name='answer/{field}']").fill(typed)
        press("Start an instance")
        expect(page.locator("h1")).to_contain_text("running")
        page.goto("/ui/workflows/take-order")
        press("Disable new starts")
        expect(page.get_by_role("button", name="Enable", exact=False)).to_be_visible()
        page.goto("/ui/people")
        press("Log out")
        expect(page.get_by_label("Password")).to_be_visible()
