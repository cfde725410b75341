"""An api that has secrets, a workflow with webhooks, and what their senders send."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.api.command import open_api_pool
from onceflow.api.hooks.refusals import Refusals
from onceflow.engine.settings import Settings
from onceflow.engine.webhooks import PRESETS, sign

from ...servers import Servers, create_database, drop_database
from ..conftest import deploy

SECRET = "s3cret of the hub"
SECRETS = {"GITHUB": SECRET, "STRIPE": "whsec_1", "SLACK": "8f742231", "OLD": "the old one"}

HOOKED = """
name: hooked
input: {type: object, properties: {n: {type: integer}}}
on:
  - id: push
    webhook:
      signature: github
      secret: $secrets.GITHUB
      when: ${ $.headers.x-github-event == "push" }
      input: {n: $.body.n, event: $.headers.x-github-event}
  - {id: paid, webhook: {signature: stripe, secret: [$secrets.STRIPE, $secrets.OLD]}}
  - {id: said, webhook: {signature: slack, secret: $secrets.SLACK}}
  - id: open
    webhook: {signature: none, input: {body: $.body, headers: $.headers, query: $.query}}
  - {id: keyed, webhook: {signature: none, key: $.body.k}}
  - {id: lost, webhook: {signature: github, secret: $secrets.NOT_THERE}}
  - id: turned
    webhook: {signature: github, secret: [$secrets.GITHUB, $secrets.NOT_THERE]}
steps:
  - {id: only, task: test.only}
"""

Send = Callable[..., Any]


class Api(NamedTuple):
    """An api that is shared by the tests of this folder, and its database."""

    client: TestClient
    conn: psycopg.Connection[Any]
    refusals: Refusals


@pytest.fixture(scope="package")
def api(servers: Servers) -> Iterator[Api]:
    database = create_database(servers, migrated=True)
    settings = Settings(dsn=database.dsn, hosts=("testserver",), secret_variables=SECRETS)
    with open_api_pool(settings) as pool, closing(database.connect()) as conn:
        app = create_app(pool, settings)
        with TestClient(app, raise_server_exceptions=False) as client:
            deploy(client, HOOKED)
            yield Api(client, conn, app.state.context.refusals)
    drop_database(servers, database.name)


@pytest.fixture
def conn(api: Api) -> psycopg.Connection[Any]:
    """A connection to the database, in which nothing has been delivered yet."""
    api.refusals.tell(at_once=True)
    for table in ("instance", "idempotency_key", "trigger_failure"):
        api.conn.execute(f"delete from onceflow.{table}")
    api.conn.execute("update onceflow.trigger set paused_at = null")
    api.conn.execute("update onceflow.workflow set disabled_at = null")
    return api.conn


@pytest.fixture
def client(api: Api, conn: psycopg.Connection[Any]) -> TestClient:
    return api.client


def signed(
    preset: str, body: bytes, secret: str = SECRET, age: float = 0, **more: str
) -> Mapping[str, str]:
    """The headers of a delivery."""
    headers = sign(PRESETS[preset].signature, secret, body, time.time() - age)
    return {"content-type": "application/json", **headers, **more}


@pytest.fixture
def push(client: TestClient) -> Send:
    """A function that sends a push as GitHub does, and returns the answer."""

    def send(
        body: Any = None, secret: str = SECRET, hook: str = "push", guid: str = "d-1", **more: str
    ) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body or {"n": 1}).encode()
        headers = {
            **signed("github", content, secret),
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": guid,
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        return client.post(f"/hooks/hooked/{hook}", content=content, headers=headers)

    return send
