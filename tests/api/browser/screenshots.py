"""``python -m tests.api.browser.screenshots [FOLDER]``: pictures of every page, to be looked at.

Each page of the scene is taken wide and narrow, light and dark. Without a folder it
makes the pictures of the README, in docs/images.
"""

import re
import sys
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from onceflow.engine.settings import Settings

from ...servers import Servers, create_database, start_postgres
from ..server import running_api
from .conftest import launch
from .scene import Scene, fill

IMAGES: Final = Path(__file__).parents[3] / "docs" / "images"
WIDE, NARROW = (1280, 800), (390, 844)
Colour = Literal["light", "dark"]
COLOURS: Final[tuple[Colour, ...]] = ("light", "dark")


def main(folder: str | None) -> None:
    """Make the scene on servers of its own, and take the pictures."""
    with ExitStack() as stack:
        servers = Servers(start_postgres(stack).dsn, "", "screenshots")
        database = create_database(servers, migrated=True)
        with closing(database.connect()) as conn:
            scene = fill(conn)
        settings = Settings(dsn=database.dsn, port=0, accounts="on")
        api = stack.enter_context(running_api(settings))
        browser = launch(stack.enter_context(sync_playwright()))
        if folder is None:
            take_for_readme(browser, api.url, scene)
        else:
            take_all(browser, api.url, scene, Path(folder))
        browser.close()


def take_all(browser: Browser, url: str, scene: Scene, folder: Path) -> None:
    """Take each page in each size and colour."""
    folder.mkdir(parents=True, exist_ok=True)
    for colour in COLOURS:
        for name, size in (("wide", WIDE), ("narrow", NARROW)):
            with logged_in(browser, url, scene, colour, size) as context:
                page = context.new_page()
                for number, path in enumerate(scene.pages):
                    visit(page, path)
                    settle(page)
                    called = re.sub(r"\W+", "-", path).strip("-") or "overview"
                    file = folder / f"{number:02}-{called[:40]}-{name}-{colour}.png"
                    page.screenshot(path=file, full_page=True)


def take_for_readme(browser: Browser, url: str, scene: Scene) -> None:
    """Take the four pictures of the README."""
    IMAGES.mkdir(exist_ok=True)
    pictures: tuple[tuple[str, str, Colour], ...] = (
        ("overview", "/", "light"),
        ("instance", f"/ui/instances/{scene.undone}", "light"),
        ("workflow", "/ui/workflows/order-invoice", "dark"),
        ("dead-letters", f"/ui/dead-letters?instance={scene.dead}", "light"),
    )
    for name, path, colour in pictures:
        with logged_in(browser, url, scene, colour, WIDE) as context:
            page = context.new_page()
            visit(page, path)
            settle(page)
            page.screenshot(path=IMAGES / f"{name}.png")


@contextmanager
def logged_in(
    browser: Browser,
    url: str,
    scene: Scene,
    colour: Colour,
    size: tuple[int, int] = WIDE,
    *,
    scripts: bool = True,
) -> Generator[BrowserContext]:
    """Provide a window of ``ada``, who may see and do everything."""
    width, height = size
    with browser.new_context(
        base_url=url,
        color_scheme=colour,
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
        java_script_enabled=scripts,
    ) as context:
        context.set_default_timeout(60_000)
        context.add_cookies(
            [{"name": "onceflow_session", "value": scene.secret, "url": url, "httpOnly": True}]
        )
        yield context


def visit(page: Page, path: str) -> Response:
    """Go to a page, that of logging in as somebody who has not."""
    if path.startswith("/login"):  # it sends on whoever has
        page.context.clear_cookies()
    answer = page.goto(path)
    assert answer is not None
    return answer


def settle(page: Page) -> None:
    """Wait until scripts have drawn what they draw."""
    page.wait_for_load_state("load")
    if page.locator(".plot").count():
        page.locator(".plot canvas").first.wait_for()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
