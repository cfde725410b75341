"""``onceflow key``: create, list, revoke."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from onceflow.engine import calls
from onceflow.engine.accounts.keys import digest_of

from ..conftest import Onceflow

Conn = psycopg.Connection[Any]


def test_a_key_is_shown_once_and_opens_what_its_role_says(onceflow: Onceflow, conn: Conn) -> None:
    made = onceflow("key", "create", "ci", "--role", "starter")
    key = made.out.strip()
    assert (made.code, key[:4], "shown this once" in made.err) == (0, "ofk_", True)
    assert calls.use_api_key(conn, digest_of(key)) == calls.UsedKey("ci", "starter", "live")
    assert key not in onceflow("key", "list").out + onceflow("key", "list", "--json").out


def test_it_expires_after_its_days(onceflow: Onceflow) -> None:
    onceflow("key", "create", "ci", "--role", "starter", "--days", "30")
    (listed,) = onceflow("key", "list", "--json").json["items"]
    left = datetime.fromisoformat(listed["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    assert "live until" in onceflow("key", "list").out


def test_a_name_is_given_once_until_it_is_revoked(onceflow: Onceflow) -> None:
    onceflow("key", "create", "ci", "--role", "starter")
    again = onceflow("key", "create", "ci", "--role", "admin")
    assert (again.code, again.out) == (1, "")
    assert "there is a key ci already" in again.err
    assert onceflow("key", "revoke", "ci").out == "ci  revoked\n"
    assert onceflow("key", "revoke", "ci").code == 1
    assert onceflow("key", "create", "ci", "--role", "admin").code == 0
    assert onceflow("key", "list").out.count("revoked") == 1
