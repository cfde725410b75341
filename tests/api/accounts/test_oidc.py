"""Logging in by a provider of identities, a real one: what is not its word for us opens nothing."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import psycopg
import pytest
from joserfc.jwk import OctKey, RSAKey
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.engine import calls
from onceflow.engine.accounts.provider import Provider, read_provider
from onceflow.engine.accounts.roles import Role
from onceflow.engine.errors import SettingsError
from onceflow.engine.pool import Pool

from ..conftest import OURS
from .provider import CLIENT, SECRET, Idp, running_idp

ROLES = {"staff": Role.STARTER, "ops": Role.OPERATOR}


@pytest.fixture(scope="module")
def running() -> Iterator[Idp]:
    with running_idp() as idp:
        yield idp


@pytest.fixture
def idp(running: Idp) -> Idp:
    running.claims, running.signs, running.algorithm = {}, running.key, "RS256"
    return running


@pytest.fixture
def browser(pool: Pool, idp: Idp) -> Iterator[TestClient]:
    provider = Provider(idp.url, CLIENT, SECRET, "roles", ROLES)
    app = create_app(pool, replace(OURS, accounts="on", provider=provider))
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def go(browser: TestClient, to: str = "/ui/workers") -> httpx2.URL:
    """Go to the provider, log in there, and return where it sends the browser back."""
    asked = browser.get("/login/provider", params={"to": to})
    assert asked.status_code == 303, asked.text
    sent = httpx2.get(asked.headers["location"])
    return httpx2.URL(sent.headers["location"])


def come_back(browser: TestClient, to: str = "/ui/workers") -> Any:
    return browser.get(str(go(browser, to)))


def test_whoever_the_provider_vouches_for_is_logged_in_with_the_role_it_says(
    browser: TestClient, idp: Idp, conn: psycopg.Connection[Any]
) -> None:
    shown = browser.get("/login?to=%2Fui%2Fworkers").text
    assert "/login/provider?to=%2Fui%2Fworkers" in shown
    done = come_back(browser)
    assert (done.status_code, done.headers["location"]) == (303, "/ui/workers")
    assert "Bob-Smith" in browser.get("/ui/workers").text
    (bob,) = calls.list_people(conn)
    assert (bob.name, bob.role, bob.subject) == ("Bob-Smith", "starter", f"{idp.url}#7")
    idp.claims = {"roles": "ops", "preferred_username": "another"}
    assert come_back(browser).status_code == 303
    (bob,) = calls.list_people(conn)
    assert (bob.name, bob.role, bob.sessions) == ("Bob-Smith", "operator", 1)
    assert [*browser.cookies] == ["onceflow_session"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another client"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"aud": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"nonce": "that of another login"},
        {"nonce": None},
        {"sub": None},
    ],
)
# guarantee: token-of-another
def test_a_token_that_is_not_for_this_login_here_opens_nothing(
    browser: TestClient, idp: Idp, claims: dict[str, Any], conn: psycopg.Connection[Any]
) -> None:
    idp.claims = claims
    refused = come_back(browser)
    assert refused.status_code == 401, refused.text
    assert calls.list_people(conn) == []
    assert "onceflow_session" not in browser.cookies


@pytest.mark.parametrize("forged", ["another key", "our secret", "no signature"])
def test_a_token_that_another_has_signed_opens_nothing(
    browser: TestClient, idp: Idp, forged: str, conn: psycopg.Connection[Any]
) -> None:
    if forged == "another key":
        idp.signs = RSAKey.generate_key(2048, {"kid": "1"})
    else:
        idp.algorithm = "HS256" if forged == "our secret" else "none"
        idp.signs = OctKey.import_key(SECRET * 3)
    assert come_back(browser).status_code == 401
    assert calls.list_people(conn) == []


def test_what_this_browser_has_not_begun_opens_nothing(browser: TestClient) -> None:
    place = go(browser)
    wrong = place.copy_set_param("state", "another")
    assert browser.get(str(wrong)).status_code == 401
    # That has ended it: the state counts once.
    assert browser.get(str(place)).status_code == 401
    place = go(browser)
    browser.cookies.clear()
    assert browser.get(str(place)).status_code == 401
    browser.cookies.set("onceflow_login", "x")
    assert browser.get(str(place)).status_code == 401


def test_a_code_counts_once_and_with_its_verifier_alone(browser: TestClient) -> None:
    stolen = go(browser)
    place = go(browser)
    code = stolen.params["code"]
    assert browser.get(str(place.copy_set_param("code", code))).status_code == 401


def test_a_refusal_of_the_provider_is_told(browser: TestClient) -> None:
    place = go(browser)
    said = place.copy_remove_param("code").copy_set_param("error", "access_denied")
    refused = browser.get(str(said))
    assert (refused.status_code, "access_denied" in refused.text) == (401, True)


def test_whom_the_provider_gives_no_role_and_who_is_disabled_stay_out(
    browser: TestClient, idp: Idp, conn: psycopg.Connection[Any]
) -> None:
    idp.claims = {"roles": ["guests"]}
    assert come_back(browser).status_code == 403
    assert calls.list_people(conn) == []
    idp.claims = {}
    assert come_back(browser).status_code == 303
    calls.change_person(conn, "Bob-Smith", disabled=True)
    assert browser.get("/ui/workers").status_code == 303
    assert come_back(browser).status_code == 403


def test_a_provider_that_is_not_there_is_told(pool: Pool) -> None:
    provider = Provider("http://127.0.0.1:1", CLIENT, SECRET, "roles", ROLES)
    app = create_app(pool, replace(OURS, accounts="on", provider=provider))
    with TestClient(app, follow_redirects=False) as client:
        assert client.get("/login/provider").status_code == 502
        assert client.get("/login").status_code == 200


def test_without_a_provider_there_is_none(client: TestClient) -> None:
    assert client.get("/login/provider").status_code == 404


def test_settings_name_it_and_faults_name_the_setting(tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("hush\n")
    env = {
        "ONCEFLOW_OIDC_ISSUER": "https://id.example.com",
        "ONCEFLOW_OIDC_CLIENT_ID": "flows",
        "ONCEFLOW_OIDC_SECRET_FILE": str(tmp_path / "secret"),
        "ONCEFLOW_OIDC_ROLES": "onceflow-admins=admin, *=viewer",
    }
    found = read_provider(env)
    assert found is not None
    assert (found.secret, found.claim) == ("hush", "roles")
    assert "hush" not in repr(found)
    assert found.role_of({"roles": ["onceflow-admins"]}) == Role.ADMIN
    assert found.role_of({}) == Role.VIEWER
    assert read_provider({}) is None
    for name, wrong in [
        ("ISSUER", "id.example.com"),
        ("CLIENT_ID", ""),
        ("SECRET_FILE", "/nowhere"),
        ("SECRET_FILE", ""),
        ("ROLES", "admins"),
        ("ROLES", "admins=root"),
        ("ROLES", ""),
    ]:
        with pytest.raises(SettingsError, match=f"ONCEFLOW_OIDC_{name}"):
            read_provider(env | {f"ONCEFLOW_OIDC_{name}": wrong})
