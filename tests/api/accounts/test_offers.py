"""What a role may not do is not offered: of all forms on all pages none would be refused."""

import re
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.accounts.roles import WORDS
from onceflow.engine.definition import compile_definition, parse

from ..definitions import NIGHTLY
from ..hand_worker import HandWorker
from .conftest import House
from .table import PAGES

FLOW = """
name: asks
signals: {go: {}}
steps:
  - {id: ask, approve: {title: Well?, to: [ann]}}
  - {id: wait, needs: [], wait_for: go}
  - {id: work, needs: [], task: test.only, on_failure: suspend}
"""
ACTION = re.compile(r'<form[^>]* method="post"[^>]* action="([^"]+)"')


@pytest.fixture(scope="module")
def pages(house: House) -> list[str]:
    """Pages with all that can be decided."""
    conn = house.conn
    calls.register_workflow(conn, compile_definition(parse(FLOW, "yaml")))
    calls.register_workflow(conn, compile_definition(parse(NIGHTLY, "yaml")))
    (first, second) = calls.start_instances(conn, "asks", [{}, {}])
    worker = HandWorker(conn)
    worker.fail(str(first.instance_id))
    calls.suspend_instances(conn, [second.instance_id])
    (ended,) = calls.start_instances(conn, "asks", [{}])
    calls.cancel_instances(conn, [ended.instance_id])
    calls.set_config_values(conn, {"rate": 1})
    calls.start_instances(conn, "asks", [{}])
    return [
        "/",
        "/ui/instances",
        *(f"/ui/instances/{one.instance_id}" for one in (first, second, ended)),
        "/ui/dead-letters",
        "/ui/forms",
        f"/ui/forms/{first.instance_id}?task=ask",
        "/ui/workflows",
        "/ui/workflows/asks",
        "/ui/triggers?name=night/daily",
        "/ui/workers",
        "/ui/config?name=rate",
    ]


def offered(house: House, pages: list[str], headers: dict[str, str]) -> set[str]:
    found: set[str] = set()
    for page in pages:
        answer: Any = house.client.get(page, headers=headers)
        assert answer.status_code == 200, (page, answer.text)
        found |= {*ACTION.findall(answer.text)}
    return found - {"/logout"}


def least(action: str) -> str | None:
    for (method, pattern), role in PAGES.items():
        if method == "POST" and re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), action):
            return role
    raise AssertionError(f"{action} is in no table")


# guarantee: offered-in-vain
@pytest.mark.parametrize("role", WORDS)
def test_exactly_what_a_role_may_do_is_offered(house: House, pages: list[str], role: str) -> None:
    everything = offered(house, pages, house.browser("admin"))
    assert len(everything) > 15
    may = {
        one
        for one in everything
        if (needs := least(one)) is None or WORDS.index(role) >= WORDS.index(needs)
    }
    assert offered(house, pages, house.browser(role)) == may
    assert offered(house, pages, house.key(role)) == may


def test_each_form_says_for_whom_it_was_made(house: House, pages: list[str]) -> None:
    for page in pages:
        text = house.client.get(page, headers=house.browser("admin")).text
        forms = re.findall(r'<form[^>]* method="post".*?</form>', text, re.DOTALL)
        assert all('name="form_token" value="' in form for form in forms), page
        unasked = house.client.get(page, headers=house.key("admin")).text
        assert "form_token" not in unasked
