"""/keys and /people: an admin makes and changes accounts by a program."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from onceflow.engine import calls
from onceflow.engine.accounts.keys import digest_of
from onceflow.engine.accounts.passwords import is_password

from .conftest import ORIGIN, House


@pytest.fixture
def admin(house: House) -> Any:
    """A function by which a program with the key of an admin asks."""

    def send(method: str, path: str, body: Any = None) -> Any:
        return house.client.request(method, path, headers=house.key("admin"), json=body)

    return send


def test_a_key_is_told_once_and_revoked(house: House, admin: Any) -> None:
    made = admin("POST", "/keys", {"name": "till", "role": "starter", "days": 30})
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    key = made.json()["key"]
    used = calls.use_api_key(house.conn, digest_of(key))
    assert used == calls.UsedKey("till", "starter", "live")
    listed = {one["name"]: one for one in admin("GET", "/keys").json()["items"]}
    assert listed["till"]["role"] == "starter"
    assert listed["till"]["expires_at"] is not None
    assert key not in admin("GET", "/keys").text
    assert admin("POST", "/keys", {"name": "till", "role": "viewer"}).status_code == 409
    assert admin("POST", "/keys/till/revoke").json() == {"name": "till", "outcome": "done"}
    used = calls.use_api_key(house.conn, digest_of(key))
    assert used is not None
    assert used.state == "revoked"
    assert admin("POST", "/keys/nobody/revoke").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a b", "role": "viewer"},
        {"name": "x", "role": "root"},
        {"name": "x", "role": "viewer", "days": 0},
        {"role": "viewer"},
    ],
)
def test_what_is_no_key_is_refused(house: House, admin: Any, body: Any) -> None:
    before = [key.name for key in calls.list_api_keys(house.conn)]
    assert admin("POST", "/keys", body).status_code == 422
    assert [key.name for key in calls.list_api_keys(house.conn)] == before


def test_somebody_is_let_in_changed_and_disabled(house: House, admin: Any) -> None:
    body = {"name": "zara", "role": "viewer", "password": "a long password"}
    assert admin("POST", "/people", body).status_code == 201
    assert admin("POST", "/people", body).status_code == 409
    assert admin("POST", "/people", body | {"name": "b", "password": "short"}).status_code == 422
    assert admin("POST", "/people/zara/set-role", {"role": "operator"}).status_code == 200
    assert (
        admin("POST", "/people/zara/set-password", {"password": "another one"}).status_code == 200
    )
    login = calls.find_login(house.conn, "zara")
    assert login is not None
    assert is_password(login.password, "another one")
    assert admin("POST", "/people/zara/disable").status_code == 200
    people = {one["name"]: one for one in admin("GET", "/people").json()["items"]}
    assert people["zara"]["role"] == "operator"
    assert people["zara"]["disabled_at"] is not None
    assert admin("POST", "/people/zara/enable").status_code == 200
    assert admin("POST", "/people/nobody/disable").status_code == 404


def test_nobody_takes_himself_away(house: House) -> None:
    browser = house.browser("admin") | ORIGIN | {"Sec-Fetch-Site": "same-origin"}
    gone = house.client.post("/people/admin-person/disable", headers=browser)
    role = {"role": "viewer"}
    less = house.client.post("/people/admin-person/set-role", headers=browser, json=role)
    assert (gone.status_code, less.status_code) == (409, 409)


def test_where_nobody_is_asked_who_he_is_nobody_makes_accounts(client: TestClient) -> None:
    body = {"name": "x", "role": "admin"}
    refused = client.post("/keys", json=body)
    assert refused.status_code == 403
    assert "onceflow person create" in refused.text
    assert client.post("/keys/x/revoke").status_code == 403
    assert client.post("/people/x/disable").status_code == 403
