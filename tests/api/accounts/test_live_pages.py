"""Live pages of people who are logged in: shared among those of a role, and over at the logout."""

import asyncio
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest

from onceflow.api.live.live import HEADER
from onceflow.engine import calls
from onceflow.engine.accounts.keys import digest_of
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.settings import Settings

from ..definitions import ONE
from ..server import running_api
from ..test_live import counted, streams_of
from .conftest import cookie_of, log_in_new

pytestmark = pytest.mark.timeout(180)
PEOPLE = {"ann": "viewer", "bea": "viewer", "cleo": "operator", "dora": "operator"}
OFFERED = re.compile(r'<form[^>]* method="post"[^>]* action="([^"]+)"')
TOKEN = re.compile(r'name="form_token" value="(\w+)"')


def asked(settings: Settings) -> Settings:
    """Settings by which everybody is asked who he is."""
    return replace(settings, accounts="on")


def start(conn: psycopg.Connection[Any]) -> UUID:
    calls.register_workflow(conn, compile_definition(parse(ONE, "yaml")))
    (started,) = calls.start_instances(conn, "one", [{}])
    return started.instance_id


async def shown_live(client: httpx2.AsyncClient, page: str, until: str) -> str:
    """Look at a page as a browser does; return it once it shows something."""
    async for stream in streams_of(client, page):
        answer = await client.get(page, headers={HEADER: stream}, timeout=60)
        assert answer.status_code == 200, answer.text
        if until in answer.text:
            return answer.text
    raise AssertionError("the stream ended")


# guarantee: live-page-of-another-role
# guarantee: form-of-another
def test_a_live_page_is_made_once_a_role_and_offers_each_what_is_his(
    settings: Settings, conn: psycopg.Connection[Any]
) -> None:
    conn.execute("create extension pg_stat_statements")
    secrets = {name: log_in_new(conn, name, role) for name, role in PEOPLE.items()}
    instance = start(conn)
    page = f"/ui/instances/{instance}"
    with running_api(asked(settings)) as api:

        async def all_look() -> tuple[dict[str, str], dict[str, str]]:
            clients = {
                name: httpx2.AsyncClient(base_url=api.url, headers=cookie_of(secret))
                for name, secret in secrets.items()
            }
            looking = {
                name: asyncio.create_task(shown_live(client, page, "Suspended by"))
                for name, client in clients.items()
            }
            while counted(conn, "%explain_instance%") < len({*PEOPLE.values()}):
                await asyncio.sleep(0.05)  # until each role has looked once
            conn.execute("select pg_stat_statements_reset()")
            calls.suspend_instances(conn, [instance])
            live = dict(zip(looking, await asyncio.gather(*looking.values()), strict=True))
            made = counted(conn, "%explain_instance%")
            assert made == len({*PEOPLE.values()})
            own = {name: (await client.get(page)).text for name, client in clients.items()}
            for client in clients.values():
                await client.aclose()
            return live, own

        live, own = asyncio.run(all_look())
    for name, role in PEOPLE.items():
        offered = {action.rpartition("/")[2] for action in OFFERED.findall(live[name])}
        more = {"resume", "cancel", "label"} if role == "operator" else set[str]()
        assert offered == {"logout"} | more
        assert OFFERED.findall(live[name]) == OFFERED.findall(own[name])
        # Each form is his own who got the page: that of another would be refused.
        assert {*TOKEN.findall(live[name])} == {*TOKEN.findall(own[name])}
        assert not [other for other in PEOPLE if other != name and f">{other} " in live[name]]


# guarantee: stream-outlives-logout
def test_a_browser_that_has_logged_out_is_told_nothing_more(
    settings: Settings, conn: psycopg.Connection[Any]
) -> None:
    secret = log_in_new(conn, "ann", "viewer")
    instance = start(conn)
    page = f"/ui/instances/{instance}"
    with running_api(asked(settings)) as api:

        async def watched() -> list[int]:
            async with httpx2.AsyncClient(base_url=api.url, headers=cookie_of(secret)) as client:
                streams = streams_of(client, page)
                stream = await anext(streams)
                seen = [(await client.get(page, headers={HEADER: stream})).status_code]
                calls.close_session(conn, digest_of(secret))
                calls.suspend_instances(conn, [instance])
                assert await anext(streams) == stream
                refused = await client.get(page, headers={HEADER: stream})
                seen.append(refused.status_code)
                assert refused.headers["location"].startswith("/login?to=")
                async with asyncio.timeout(20):  # less than silence alone would take
                    async for _ in streams:
                        raise AssertionError("it is told more")
                others = ("/ui/live?of=/", f"/instances/{instance}")
                return seen + [(await client.get(path)).status_code for path in others]

        assert asyncio.run(watched()) == [200, 303, 401, 401]
