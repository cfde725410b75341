"""Each role, and nobody, at each operation and page: what it may not do is refused."""

import re
from collections.abc import Mapping

import pytest

from onceflow.api.pages import PAGES as ROUTES
from onceflow.api.routes import OPERATIONS as DECLARED
from onceflow.engine.accounts.roles import WORDS

from .conftest import House
from .table import OPERATIONS, PAGES, TABLE

DECISIONS = (
    *("signal", "cancel", "suspend", "resume", "erase", "redrive", "skip", "discard"),
    *("answer", "claim", "release", "reassign", "disable", "enable", "pause", "trigger"),
    *("set", "unset", "create", "revoke", "set-role", "set-password"),
)
FORM = {"content-type": "application/x-www-form-urlencoded"}


def path_of(pattern: str) -> str:
    """A path of this pattern, of something that is not there."""
    uuid = "01a205de-4851-7000-8000-000000000000"
    found = re.sub(r"{instance(Id)?}", uuid, pattern)
    return re.sub(r"{\w+}", "1", found)


def may(role: str, least: str | None) -> bool:
    return least is None or WORDS.index(role) >= WORDS.index(least)


def test_the_table_has_each_operation() -> None:
    assert {(one.method, one.path) for one in DECLARED} == OPERATIONS.keys()


def test_the_table_has_each_page() -> None:
    """Where one route has several decisions, the table has each of them."""
    found: set[tuple[str, str]] = set()
    for route in ROUTES:
        decisions = [*route.roles] if isinstance(route.roles, Mapping) else DECISIONS
        paths = {route.path.replace("{decision}", decision) for decision in decisions}
        found |= {(method, path) for path in paths for method in (route.methods or ()) if path}
    table = {(method, path) for method, path in found if (method, path) in PAGES}
    assert table == PAGES.keys()
    patterns = {(m, r.path) for r in ROUTES for m in (r.methods or ()) if m != "HEAD"}
    named = {(m, re.sub(f"/({'|'.join(DECISIONS)})$", "/{decision}", path)) for m, path in PAGES}
    assert patterns <= named | PAGES.keys()


# guarantee: role-unasked
@pytest.mark.parametrize("role", WORDS)
@pytest.mark.parametrize("by", ["key", "browser"])
def test_what_a_role_may_not_do_is_refused_and_all_else_is_not(
    house: House, role: str, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = house.key(role) if by == "key" else house.browser(role)
    wrong: list[str] = []
    for (method, pattern), least in TABLE.items():
        more = {} if method == "GET" else FORM | {"Origin": "http://testserver"}
        caplog.clear()
        answer = house.client.request(method, path_of(pattern), headers=headers | more)
        refused = answer.status_code == 403 and "takes the role" in answer.text
        if refused == may(role, least) or answer.status_code == 401 or answer.is_server_error:
            wrong.append(f"{method} {pattern}: {answer.status_code}")
        if refused:
            told = f"has the role {role}, it takes {least}"
            assert any(told in line for line in caplog.messages), caplog.messages
    assert wrong == []


def test_nobody_may_do_what_takes_a_role(house: House) -> None:
    wrong: list[str] = []
    for (method, pattern), least in TABLE.items():
        answer = house.client.request(method, path_of(pattern), headers=FORM)
        to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
        page = method == "GET" and (method, pattern) in PAGES and pattern != "/ui/live"
        expected = to_login if page else answer.status_code == 401
        if pattern.startswith("/hooks/"):
            expected = answer.status_code != 404  # of which nobody is told
        if expected == (least is None) or answer.is_server_error:
            wrong.append(f"{method} {pattern}: {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
def test_another_verb_is_no_way_round(house: House, method: str) -> None:
    for known, pattern in TABLE:
        if (method, pattern) in TABLE or TABLE[known, pattern] is None:
            continue
        answer = house.client.request(method, path_of(pattern))
        assert answer.status_code in (401, 405, 303), (method, pattern)
        assert answer.status_code != 303 or method == "HEAD"


def test_each_operation_says_what_it_takes(house: House) -> None:
    document = house.client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"].keys() == {"key", "session"}
    for (method, path), least in OPERATIONS.items():
        told = document["paths"][path][method.lower()]
        assert told["security"] == ([] if least is None else [{"key": []}, {"session": []}])
        assert ({"401", "403"} <= told["responses"].keys()) or least is None
        if least is not None:
            assert f"Takes the role {least}." in told["description"]
