"""When it is asked who comes: as is safe, unless it is said."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.accounts import admission
from onceflow.api.app import create_app
from onceflow.engine import calls
from onceflow.engine.accounts.keys import digest_of, make_key
from onceflow.engine.errors import SettingsError
from onceflow.engine.pool import Pool
from onceflow.engine.settings import Settings, load_settings

from ...api.conftest import OURS
from ..server import running_api, start_api

EVERYWHERE = "0.0.0.0"  # noqa: S104 - that is what is asked


@contextmanager
def served(pool: Pool, settings: Settings) -> Generator[TestClient]:
    with TestClient(create_app(pool, settings)) as client:
        yield client


# guarantee: open-to-strangers
def test_where_others_reach_it_it_does_not_start_without_accounts(settings: Settings) -> None:
    process = start_api(replace(settings, host=EVERYWHERE, port=0))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "`onceflow person create NAME --role admin` makes the first" in said
    assert "listening" not in said


def test_one_account_is_enough_for_it_to_start_and_ask(
    settings: Settings, conn: psycopg.Connection[Any]
) -> None:
    key = make_key()
    calls.create_api_key(conn, "ci", digest_of(key), "viewer")
    with running_api(replace(settings, host=EVERYWHERE, port=0)) as api:
        url = api.url.replace(EVERYWHERE, "127.0.0.1") + "/workflows"
        assert httpx2.get(url).status_code == 401
        bearer = {"Authorization": f"Bearer {key}"}
        assert httpx2.get(url, headers=bearer).status_code == 200


def test_where_it_is_off_nobody_is_asked(settings: Settings, conn: psycopg.Connection[Any]) -> None:
    calls.create_api_key(conn, "ci", digest_of(make_key()), "viewer")
    with running_api(replace(settings, host=EVERYWHERE, port=0, accounts="off")) as api:
        url = api.url.replace(EVERYWHERE, "127.0.0.1") + "/workflows"
        assert httpx2.get(url).status_code == 200


def test_on_this_machine_it_is_open_until_the_first_account(
    pool: Pool, conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LOOK_AGAIN", 0)
    with served(pool, OURS) as client:
        # What a browser or program bears of another time is no hindrance where nobody is asked.
        stale = {"Authorization": "Bearer old", "Cookie": "onceflow_session=old"}
        assert client.get("/workflows", headers=stale).status_code == 200
        calls.create_api_key(conn, "ci", digest_of(make_key()), "viewer")
        assert client.get("/workflows").status_code == 401
        calls.revoke_api_key(conn, "ci")
        assert client.get("/workflows").status_code == 401


def test_until_the_first_account_it_is_asked_for_once_a_second(
    pool: Pool, conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    real = calls.accounts_exist

    def look(conn: psycopg.Connection[Any]) -> bool:
        looks.append(1)
        return real(conn)

    monkeypatch.setattr(admission, "LOOK_AGAIN", 3600)
    monkeypatch.setattr(admission.calls, "accounts_exist", look)
    with served(pool, OURS) as client:
        for _ in range(5):
            assert client.get("/workflows").status_code == 200
    assert looks == [1]


def test_on_asks_without_an_account_too(pool: Pool) -> None:
    with served(pool, replace(OURS, accounts="on")) as client:
        assert client.get("/workflows").status_code == 401
        assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone(host: str) -> None:
    assert not admission.are_always_asked(Settings(host=host))
    assert admission.are_always_asked(Settings(host=host, accounts="on"))


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "10.0.0.5", "flows.example.com"])
def test_others_too(host: str) -> None:
    assert admission.are_always_asked(Settings(host=host))
    assert not admission.are_always_asked(Settings(host=host, accounts="off"))


def test_another_word_is_refused() -> None:
    assert load_settings({"ONCEFLOW_ACCOUNTS": "Off"}).accounts == "off"
    with pytest.raises(SettingsError, match="give on or off"):
        load_settings({"ONCEFLOW_ACCOUNTS": "no"})
