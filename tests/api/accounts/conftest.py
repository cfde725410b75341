"""An api where everybody is asked who he is, with an account of each role."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.api.command import open_api_pool
from onceflow.engine import calls
from onceflow.engine.accounts.keys import digest_of, make_key, make_secret
from onceflow.engine.accounts.passwords import hash_password
from onceflow.engine.accounts.roles import WORDS
from onceflow.engine.settings import Settings

from ...servers import Servers, create_database, drop_database

PASSWORD = "correct horse battery"
ORIGIN = {"Origin": "http://testserver"}


@dataclass(frozen=True)
class House:
    """The api, its database, and what opens it by role."""

    client: TestClient
    conn: psycopg.Connection[Any]
    keys: Mapping[str, str]
    sessions: Mapping[str, str]

    def key(self, role: str) -> dict[str, str]:
        """The headers of a program with a role."""
        return {"Authorization": f"Bearer {self.keys[role]}"}

    def browser(self, role: str) -> dict[str, str]:
        """The headers of a browser in which somebody with a role is logged in."""
        return cookie_of(self.sessions[role])


def log_in_new(conn: psycopg.Connection[Any], name: str, role: str) -> str:
    """Let somebody in who was not there, and return what a browser of his bears."""
    password, secret = hash_password(PASSWORD), make_secret()
    calls.create_person(conn, name, role, password)
    calls.open_session(conn, digest_of(secret), name, password)
    return secret


def cookie_of(secret: str) -> dict[str, str]:
    """The headers of a browser that bears this."""
    return {"Cookie": f"onceflow_session={secret}"}


@pytest.fixture(scope="package")
def house(servers: Servers) -> Iterator[House]:
    database = create_database(servers, migrated=True)
    settings = Settings(dsn=database.dsn, hosts=("testserver",), accounts="on")
    with open_api_pool(settings) as pool, closing(database.connect()) as conn:
        keys = {role: make_key() for role in WORDS}
        for role in WORDS:
            calls.create_api_key(conn, f"{role}-key", digest_of(keys[role]), role)
        sessions = {role: log_in_new(conn, f"{role}-person", role) for role in WORDS}
        app = create_app(pool, settings)
        with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
            yield House(client, conn, keys, sessions)
    drop_database(servers, database.name)
