"""Calls about accounts: keys of programs, people, and in which browsers these are logged in."""

from datetime import datetime
from typing import Final, Literal, LiteralString

from .base import Connection, Record, fetch, fetch_value, word

ACCOUNTS_EXIST: Final[LiteralString] = "select onceflow.accounts_exist()"
CREATE_API_KEY: Final[LiteralString] = """
select onceflow.create_api_key(p_name => %s::text, p_hash => %s::bytea, p_role => %s::text,
                               p_expires_at => %s::timestamptz)"""
REVOKE_API_KEY: Final[LiteralString] = "select onceflow.revoke_api_key(p_name => %s::text)"
LIST_API_KEYS: Final[LiteralString] = """
select name, role, created_at, expires_at, last_used_at, revoked_at from onceflow.list_api_keys()"""
USE_API_KEY: Final[LiteralString] = """
select name, role, state from onceflow.use_api_key(p_hash => %s::bytea)"""
CREATE_PERSON: Final[LiteralString] = """
select onceflow.create_person(p_name => %s::text, p_role => %s::text, p_password => %s::text,
                              p_subject => %s::text)"""
CHANGE_PERSON: Final[LiteralString] = """
select onceflow.change_person(p_name => %s::text, p_role => %s::text, p_password => %s::text,
                              p_disabled => %s::boolean)"""
LIST_PEOPLE: Final[LiteralString] = """
select name, role, has_password, subject, created_at, disabled_at, sessions
  from onceflow.list_people()"""
FIND_LOGIN: Final[LiteralString] = """
select name, password from onceflow.find_login(p_name => %s::text)"""
OPEN_SESSION: Final[LiteralString] = """
select onceflow.open_session(p_hash => %s::bytea, p_person => %s::text, p_password => %s::text,
                             p_subject => %s::text)"""
USE_SESSION: Final[LiteralString] = """
select person, role from onceflow.use_session(p_hash => %s::bytea)"""
CLOSE_SESSION: Final[LiteralString] = "select onceflow.close_session(p_hash => %s::bytea)"
ADMIT_SUBJECT: Final[LiteralString] = """
select onceflow.admit_subject(p_subject => %s::text, p_name => %s::text, p_role => %s::text)"""


class ApiKey(Record, frozen=True):
    """A key, without what it is; ``last_used_at`` is right to the minute."""

    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class UsedKey(Record, frozen=True):
    """Whose key was presented; in any state but ``live`` it opens nothing."""

    name: str
    role: str
    state: Literal["live", "expired", "revoked"]


class Person(Record, frozen=True):
    """Who may log in; ``sessions`` is in how many browsers that is done.

    ``subject`` is who it is to the provider of identities, None where that knows nobody such.
    """

    name: str
    role: str
    has_password: bool
    subject: str | None
    created_at: datetime
    disabled_at: datetime | None
    sessions: int


class Login(Record, frozen=True):
    """What the password of a person is checked by."""

    name: str
    password: str


class LoggedIn(Record, frozen=True):
    """Who is logged in by a session."""

    person: str
    role: str


def accounts_exist(conn: Connection) -> bool:
    """Return whether any person or key has ever been made."""
    return fetch_value(conn, ACCOUNTS_EXIST)


def create_api_key(
    conn: Connection, name: str, digest: bytes, role: str, expires_at: datetime | None = None
) -> None:
    """Keep a key by its SHA-256.

    Raises BadArgument, and Refused where there is one of this name.
    """
    fetch_value(conn, CREATE_API_KEY, (name, digest, role, expires_at))


def revoke_api_key(conn: Connection, name: str) -> bool:
    """Take a key back for good; return whether there was one of this name."""
    return fetch_value(conn, REVOKE_API_KEY, (name,))


def list_api_keys(conn: Connection) -> list[ApiKey]:
    """Return all keys by name, revoked ones too."""
    return [ApiKey(*row) for row in fetch(conn, LIST_API_KEYS)]


def use_api_key(conn: Connection, digest: bytes) -> UsedKey | None:
    """Return whose key it is that has this SHA-256, None where it is nobody's."""
    for name, role, state in fetch(conn, USE_API_KEY, (digest,)):
        return UsedKey(name, role, word(state, "live", "expired", "revoked"))
    return None


def create_person(
    conn: Connection, name: str, role: str, password: str | None, subject: str | None = None
) -> None:
    """Let a person log in; ``password`` is what argon2id made of it.

    Raises BadArgument, and Refused where there is somebody of this name or subject.
    """
    fetch_value(conn, CREATE_PERSON, (name, role, password, subject))


def change_person(
    conn: Connection,
    name: str,
    role: str | None = None,
    password: str | None = None,
    disabled: bool | None = None,
) -> bool:
    """Change what is given of a person; return whether there is such a one. Raises BadArgument.

    Who is disabled, or has another password, is logged out everywhere.
    """
    return fetch_value(conn, CHANGE_PERSON, (name, role, password, disabled))


def list_people(conn: Connection) -> list[Person]:
    """Return who may log in, by name; who is disabled too."""
    return [Person(*row) for row in fetch(conn, LIST_PEOPLE)]


def find_login(conn: Connection, name: str) -> Login | None:
    """Return what the password of a person is checked by; None where he logs in by none."""
    for row in fetch(conn, FIND_LOGIN, (name,)):
        return Login(*row)
    return None


def open_session(
    conn: Connection,
    digest: bytes,
    person: str,
    password: str | None = None,
    subject: str | None = None,
) -> bool:
    """Log a person in, whose login has this ``password`` still, or who is this ``subject``.

    ``digest`` is the SHA-256 of what the browser bears. Return whether that was done.
    """
    return fetch_value(conn, OPEN_SESSION, (digest, person, password, subject))


def use_session(conn: Connection, digest: bytes) -> LoggedIn | None:
    """Return who is logged in by what has this SHA-256, None where nobody is."""
    for row in fetch(conn, USE_SESSION, (digest,)):
        return LoggedIn(*row)
    return None


def close_session(conn: Connection, digest: bytes) -> bool:
    """Log out who is logged in by what has this SHA-256; return whether anybody was."""
    return fetch_value(conn, CLOSE_SESSION, (digest,))


def admit_subject(conn: Connection, subject: str, name: str, role: str) -> str | None:
    """Return the name of whom the provider calls ``subject``; None where he is disabled.

    Who is not known yet is made. Raises BadArgument.
    """
    return fetch_value(conn, ADMIT_SUBJECT, (subject, name, role))
