"""``onceflow person``: create, list, disable, set-role, set-password."""

import io
import sys
from typing import Any

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.accounts.passwords import is_password

from ..conftest import Onceflow

Conn = psycopg.Connection[Any]


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def kept(conn: Conn, name: str) -> str | None:
    login = calls.find_login(conn, name)
    return None if login is None else login.password


def test_the_password_is_the_first_line_of_stdin_and_is_kept_by_argon2id(
    onceflow: Onceflow, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "a long password\nmore")
    assert onceflow("person", "create", "ann", "--role", "admin").out == "ann  admin\n"
    password = kept(conn, "ann")
    assert (password or "").startswith("$argon2id$")
    assert is_password(password, "a long password")
    assert not is_password(password, "a long password\n")
    type_in(monkeypatch, "another password\n")
    assert onceflow("person", "set-password", "ann").out == "ann  password set\n"
    assert is_password(kept(conn, "ann"), "another password")


def test_what_is_short_or_missing_makes_nobody(
    onceflow: Onceflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("", "too short", "x" * 501):
        type_in(monkeypatch, text)
        made = onceflow("person", "create", "ann", "--role", "admin")
        assert (made.code, "give 10 to 500" in made.err) == (1, True)
    assert onceflow("person", "list", "--json").json == {"items": []}


def test_roles_are_set_and_people_disabled_and_enabled(
    onceflow: Onceflow, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "a long password")
    onceflow("person", "create", "ann", "--role", "viewer")
    assert onceflow("person", "set-role", "ann", "operator").out == "ann  role set\n"
    assert onceflow("person", "disable", "ann").out == "ann  disabled\n"
    (ann,) = onceflow("person", "list", "--json").json["items"]
    assert (ann["role"], ann["disabled_at"] is None) == ("operator", False)
    assert kept(conn, "ann") is None
    assert onceflow("person", "enable", "ann").out == "ann  enabled\n"
    assert "ann" in onceflow("person", "list").out
    assert kept(conn, "ann") is not None


@pytest.mark.parametrize("action", [["disable"], ["enable"], ["set-role", "admin"]])
def test_nobody_is_told(onceflow: Onceflow, action: list[str]) -> None:
    done = onceflow("person", action[0], "nobody", *action[1:])
    assert (done.code, "there is no person nobody" in done.err) == (1, True)
