"""Logging in and out: who knows the password bears a cookie, until he logs out."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from onceflow.api.accounts import login
from onceflow.api.accounts.attempts import MOST, Attempts, network_of
from onceflow.engine import calls
from onceflow.engine.accounts.passwords import hash_password

from .conftest import PASSWORD, House

TOKEN = re.compile(r'name="form_token" value="(\w+)"')


@pytest.fixture
def fresh(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser, at an api that has counted no tries yet."""
    app: Any = house.client.app
    logins: Any = app.state.context.logins
    monkeypatch.setattr(logins, "_of_name", Attempts(10, 60))
    monkeypatch.setattr(logins, "_of_address", Attempts(50, 12))
    house.client.cookies.clear()
    yield house.client
    house.client.cookies.clear()


def log_in(
    client: TestClient, name: str = "operator-person", password: str = PASSWORD, **more: str
) -> Any:
    form = {"name": name, "password": password, **more}
    return client.post("/login", data=form, headers={"Origin": "http://testserver"})


def log_out(client: TestClient, token: str) -> Any:
    return client.post(
        "/logout", data={"form_token": token}, headers={"Origin": "http://testserver"}
    )


def token_on(client: TestClient, path: str = "/") -> str:
    found = TOKEN.search(client.get(path).text)
    assert found is not None
    return found[1]


def test_a_page_leads_to_the_login_and_that_back_to_the_page(fresh: TestClient) -> None:
    sent = fresh.get("/ui/instances?status=RUNNING")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/login?to=%2Fui%2Finstances%3Fstatus%3DRUNNING"
    shown = fresh.get(sent.headers["location"])
    assert shown.status_code == 200
    assert "<nav>" not in shown.text
    to = re.search(r'name="to" value="([^"]+)"', shown.text)
    assert to is not None
    done = log_in(fresh, to=to[1].replace("&amp;", "&"))
    assert (done.status_code, done.headers["location"]) == (303, "/ui/instances?status=RUNNING")
    page = fresh.get(done.headers["location"])
    assert page.status_code == 200
    assert "operator-person" in page.text


def test_the_cookie_is_for_no_script_and_no_form_of_another_site(fresh: TestClient) -> None:
    cookie = log_in(fresh).headers["set-cookie"].lower()
    assert re.fullmatch(
        r"onceflow_session=[\w-]{43}; httponly; max-age=604800; path=/; samesite=lax", cookie
    )


# guarantee: session-outlives-logout
def test_what_was_borne_is_nobodys_after_the_logout(fresh: TestClient) -> None:
    log_in(fresh)
    (cookie,) = fresh.cookies.values()
    done = log_out(fresh, token_on(fresh))
    assert (done.status_code, done.headers["location"]) == (303, "/login")
    assert 'onceflow_session=""' in done.headers["set-cookie"]
    fresh.cookies.clear()
    replayed = fresh.get("/workflows", headers={"Cookie": f"onceflow_session={cookie}"})
    assert replayed.status_code == 401


def test_a_login_ends_what_the_browser_bore_before(fresh: TestClient, house: House) -> None:
    log_in(fresh)
    (former,) = fresh.cookies.values()
    log_in(fresh, "viewer-person")
    (latter,) = fresh.cookies.values()
    assert former != latter
    fresh.cookies.clear()
    assert fresh.get("/", headers={"Cookie": f"onceflow_session={former}"}).status_code == 303


@pytest.mark.parametrize("borne", ["", "x", "x" * 43, "ö", "onceflow_session"])
def test_what_is_guessed_is_nobodys(fresh: TestClient, borne: str) -> None:
    headers = {b"Cookie": f"onceflow_session={borne}".encode()}
    assert fresh.get("/workflows", headers=headers).status_code == 401


def test_a_key_is_no_session_and_a_session_no_key(fresh: TestClient, house: House) -> None:
    cookie = {"Cookie": f"onceflow_session={house.keys['admin']}"}
    assert fresh.get("/workflows", headers=cookie).status_code == 401
    bearer = {"Authorization": f"Bearer {house.sessions['admin']}"}
    assert fresh.get("/workflows", headers=bearer).status_code == 401


def test_a_session_of_days_ago_has_ended(fresh: TestClient, house: House) -> None:
    log_in(fresh)
    assert fresh.get("/").status_code == 200
    house.conn.execute(
        "update onceflow.session set live_until = now() where person = 'operator-person'"
        " and opened_at > now() - interval '5 minutes' and hash <> %s",
        (login.digest_of(house.sessions["operator"]),),
    )
    assert fresh.get("/").status_code == 303


@pytest.mark.parametrize("name", ["operator-person", "nobody", "", "x\0", "x" * 9999])
def test_a_wrong_password_and_a_name_that_nobody_has_cost_the_same_work(
    fresh: TestClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is held against one hash of the same making; the answer tells nothing apart."""
    checked: list[bool] = []
    real = login.is_password

    def check(kept: str | None, password: str) -> bool:
        checked.append(kept is not None)
        return real(kept, password)

    monkeypatch.setattr(login, "is_password", check)
    answer = log_in(fresh, name, "wrong")
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert checked == [name == "operator-person"]
    assert "set-cookie" not in answer.headers


def test_a_name_is_tried_ten_times_then_once_a_minute(fresh: TestClient) -> None:
    statuses = [log_in(fresh, password="wrong").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    refused = log_in(fresh)
    assert (refused.status_code, int(refused.headers["retry-after"]) <= 60) == (429, True)
    assert log_in(fresh, "OPERATOR-person").status_code == 429
    assert log_in(fresh, "viewer-person").status_code == 303


def test_an_address_is_tried_with_fifty_names(
    fresh: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "is_password", lambda kept, password: False)  # pyright: ignore
    statuses = [log_in(fresh, f"n{n}").status_code for n in range(51)]
    assert statuses == [401] * 50 + [429]


def test_who_succeeds_is_not_counted(fresh: TestClient) -> None:
    assert [log_in(fresh).status_code for _ in range(12)] == [303] * 12


def test_tries_come_back_and_what_is_kept_in_mind_is_bounded() -> None:
    now = 0.0
    tries = Attempts(2, 60, lambda: now)
    assert [tries.take("a") for _ in range(3)] == [0, 0, 60]
    now = 59.5
    assert tries.take("a") == 1
    now = 60.0
    assert [tries.take("a"), tries.take("a")] == [0, 60]
    for n in range(2 * MOST):
        tries.take(str(n))
    assert len(tries) == MOST


def test_an_address_of_version_6_counts_as_its_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2") == "2001:db8::/64"
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\tx",
        "",
        "ui",
    ],
)
def test_the_way_back_leads_to_no_other_site(fresh: TestClient, to: str) -> None:
    assert log_in(fresh, to=to).headers["location"] == "/"


# guarantee: form-token-unasked
@pytest.mark.parametrize("token", [None, "", "wrong", "of another"])
def test_a_form_that_was_not_made_for_this_login_does_nothing(
    fresh: TestClient, house: House, token: str | None
) -> None:
    log_in(fresh, "deployer-person")
    calls.unset_config_values(house.conn, ["tokened"])
    if token == "of another":
        other = fresh.get("/ui/config", headers=house.browser("admin"))
        found = TOKEN.search(other.text)
        assert found is not None
        token = found[1]
    form = {"name": "tokened", "value": "1"} | ({} if token is None else {"form_token": token})
    origin = {"Origin": "http://testserver"}
    refused = fresh.post("/ui/config/set", data=form, headers=origin)
    assert refused.status_code == 403
    assert "was not made for this login" in refused.text
    assert fresh.get("/config/tokened").status_code == 404
    form["form_token"] = token_on(fresh, "/ui/config")
    assert fresh.post("/ui/config/set", data=form, headers=origin).status_code == 303
    assert fresh.get("/config/tokened").status_code == 200


def test_logging_out_takes_the_token_too(fresh: TestClient) -> None:
    log_in(fresh)
    assert log_out(fresh, "wrong").status_code == 403
    assert fresh.get("/").status_code == 200


# guarantee: session-unvouched
def test_a_session_changes_nothing_unless_a_browser_says_that_a_page_of_ours_asks(
    fresh: TestClient, house: House
) -> None:
    log_in(fresh)
    path = "/queues/none/pause"
    assert fresh.post(path).status_code == 403
    for headers in ({"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}):
        assert fresh.post(path, headers=headers).status_code == 404
    # A key is sent by nobody unasked.
    fresh.cookies.clear()
    assert fresh.post(path, headers=house.key("operator")).status_code == 404


def test_who_is_disabled_is_logged_out_and_cannot_log_in(fresh: TestClient, house: House) -> None:
    calls.create_person(house.conn, "leaver", "viewer", hash_password(PASSWORD))
    log_in(fresh, "leaver")
    assert fresh.get("/").status_code == 200
    calls.change_person(house.conn, "leaver", disabled=True)
    assert fresh.get("/").status_code == 303
    assert log_in(fresh, "leaver").status_code == 401
