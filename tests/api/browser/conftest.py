"""Fixtures: a headless Chromium, and the real server that its pages come from."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from onceflow.engine.settings import Settings

from ..server import ApiServer, running_api

NAMES = (
    *("chromium", "chromium-browser", "chromium-headless-shell", "chrome-headless-shell"),
    *("google-chrome", "google-chrome-stable"),
)
PATIENCE = 30_000
"""Milliseconds that a page may take on a busy machine."""


def find() -> str | None:
    """Return the browser of this machine, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def launch(playwright: Playwright) -> Browser:
    """Start the browser of this machine, with no window."""
    # As root it runs without a sandbox or not at all: it sees nothing but our own pages.
    return playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine, with no window.

    Not for longer: as long as Playwright is there, this thread's event loop is its own.
    """
    if find() is None:
        pytest.skip("no Chromium is installed here, in which pages are tried")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


def _is_fault(told: ConsoleMessage) -> bool:
    """Whether a message tells of a fault, and not that an answer is an error."""
    return told.type == "error" and not told.text.startswith("Failed to load resource")


@pytest.fixture
def api(settings: Settings) -> Iterator[ApiServer]:
    with running_api(settings) as server:
        yield server


@pytest.fixture
def tab(browser: Browser, api: ApiServer) -> Iterator[Page]:
    """A tab whose links begin at the server; it must not meet an error of a script."""
    with browser.new_context(base_url=api.url) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if _is_fault(told) else None)
        yield page
        assert faults == []
