"""/ui/keys and /ui/people: an admin makes and changes accounts."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from onceflow.engine import calls
from onceflow.engine.accounts.keys import digest_of
from onceflow.engine.accounts.passwords import is_password

from .conftest import House

ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture
def admin(house: House) -> Any:
    """A function by which an admin sends a form."""
    browser = house.browser("admin") | ORIGIN
    page = house.client.get("/ui/keys", headers=browser).text
    token = re.search(r'name="form_token" value="(\w+)"', page)
    assert token is not None

    def send(path: str, **form: str) -> Any:
        return house.client.post(path, data=form | {"form_token": token[1]}, headers=browser)

    return send


def test_a_key_is_shown_once_and_revoked(house: House, admin: Any) -> None:
    made = admin("/ui/keys/create", name="shop", role="starter", days="30")
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    key = re.search(r"ofk_[\w-]{43}", made.text)
    assert key is not None
    assert calls.use_api_key(house.conn, digest_of(key[0])) == calls.UsedKey(
        "shop", "starter", "live"
    )
    listed = house.client.get("/ui/keys", headers=house.browser("admin")).text
    assert "shop" in listed
    assert key[0] not in listed
    assert admin("/ui/keys/revoke", name="shop").status_code == 303
    used = calls.use_api_key(house.conn, digest_of(key[0]))
    assert used is not None
    assert used.state == "revoked"
    assert admin("/ui/keys/revoke", name="shop").status_code == 404


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"name": "viewer-key", "role": "viewer"}, 409),
        ({"name": "a b", "role": "viewer"}, 422),
        ({"name": "x", "role": "root"}, 422),
        ({"name": "x", "role": "viewer", "days": "0"}, 422),
        ({"role": "viewer"}, 422),
    ],
)
def test_what_is_no_key_is_told_and_what_was_typed_stays(
    house: House, admin: Any, form: dict[str, str], status: int
) -> None:
    before = calls.list_api_keys(house.conn)
    refused = admin("/ui/keys/create", **form)
    assert refused.status_code == status, refused.text
    assert 'class="alarm bad"' in refused.text
    assert f'value="{form.get("name", "")}"' in refused.text
    assert calls.list_api_keys(house.conn) == before


def test_somebody_is_let_in_changed_and_disabled(house: House, admin: Any) -> None:
    form = {"name": "zoe", "role": "viewer", "password": "a long password"}
    assert admin("/ui/people/create", **form).status_code == 303
    assert admin("/ui/people/create", **form).status_code == 409
    assert admin("/ui/people/set-role", name="zoe", role="operator").status_code == 303
    assert admin("/ui/people/set-password", name="zoe", password="short").status_code == 422
    assert admin("/ui/people/set-password", name="zoe", password="another one").status_code == 303
    login = calls.find_login(house.conn, "zoe")
    assert login is not None
    assert is_password(login.password, "another one")
    assert admin("/ui/people/disable", name="zoe").status_code == 303
    zoe = next(one for one in calls.list_people(house.conn) if one.name == "zoe")
    assert (zoe.role, zoe.disabled_at is None) == ("operator", False)
    assert admin("/ui/people/enable", name="zoe").status_code == 303
    assert admin("/ui/people/enable", name="nobody").status_code == 404
    assert (
        "a long password" not in house.client.get("/ui/people", headers=house.browser("admin")).text
    )


@pytest.mark.parametrize("decision", ["disable", "set-role"])
def test_nobody_locks_himself_out(house: House, admin: Any, decision: str) -> None:
    refused = admin(f"/ui/people/{decision}", name="admin-person", role="viewer")
    assert (refused.status_code, "that is you" in refused.text) == (409, True)


@pytest.mark.parametrize("path", ["/ui/keys/create", "/ui/people/create"])
def test_where_nobody_is_asked_nobody_makes_accounts(client: TestClient, path: str) -> None:
    form = {"name": "sly", "role": "admin", "password": "a long password"}
    refused = client.post(path, data=form)
    assert (refused.status_code, "Nobody is asked who he is here" in refused.text) == (403, True)
    assert "no keys" in client.get("/ui/keys").text
    assert "There is nobody." in client.get("/ui/people").text
