"""What tells browsers that their pages may have changed, and what that costs."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.database import Database
from onceflow.api.live import live
from onceflow.api.live.live import HEADER, Live
from onceflow.api.problems import Problem
from onceflow.engine.calls import suspend_instances
from onceflow.engine.pool import Pool
from onceflow.engine.settings import Settings

from .conftest import Start
from .hand_worker import HandWorker
from .server import running_api

pytestmark = pytest.mark.timeout(180)

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Not used, and much to make for each client."""


async def streams_of(client: httpx2.AsyncClient, page: str) -> AsyncIterator[str]:
    """Yield the id of the stream each time it tells of a change."""
    async with client.stream("GET", "/ui/live", params={"of": page}, timeout=60) as told:
        assert told.headers["content-type"].startswith("text/event-stream")
        assert told.headers["cache-control"] == "no-store"
        async for line in told.aiter_lines():
            if line.startswith("data: "):
                yield line.removeprefix("data: ")


async def look(client: httpx2.AsyncClient, page: str, until: str) -> int:
    """Look at a page as a browser does, until it shows something; return how often it was told."""
    told = 0
    async for stream in streams_of(client, page):
        told += 1
        answer = await client.get(page, headers={HEADER: stream}, timeout=60)
        assert answer.status_code == 200, answer.text
        if until in answer.text:
            break
    return told


async def look_alone(url: str, page: str, until: str) -> int:
    """Look as one of many browsers: with connections of its own.

    A client that all share looks through all their connections at each request, so that on a busy
    machine seconds pass between connecting and asking, and the api gives up on a head.
    """
    async with httpx2.AsyncClient(base_url=url, verify=NO_TLS) as client:
        return await look(client, page, until)


def counted(conn: psycopg.Connection[Any], like: str) -> int:
    """Return how many statements of a kind the api has sent."""
    row = conn.execute(
        "select coalesce(sum(calls), 0)::int from pg_stat_statements"
        " where dbid = (select oid from pg_database where datname = current_database())"
        " and query like %s and query not like '%%pg_stat_statements%%'",
        (like,),
    ).fetchone()
    assert row is not None
    return row[0]


# guarantee: page-made-for-each
def test_two_hundred_live_browsers_cost_no_more_statements_than_one(
    settings: Settings, conn: psycopg.Connection[Any], start: Start
) -> None:
    conn.execute("create extension pg_stat_statements")
    costs: list[float] = []
    with running_api(settings) as api:
        for number in (1, 200):
            instance = start()
            page = f"/ui/instances/{instance}"
            conn.execute("select pg_stat_statements_reset()")

            async def all_look(page: str = page, number: int = number, of: str = instance) -> int:
                looking = [
                    asyncio.create_task(look_alone(api.url, page, "Suspended by"))
                    for _ in range(number)
                ]
                while counted(conn, "%explain_instance%") == 0:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(2 * live.PAUSE)  # let all be told once
                suspend_instances(conn, [UUID(of)])
                return max(await asyncio.gather(*looking))

            changes = asyncio.run(all_look())
            made = counted(conn, "%explain_instance%")
            assert 2 <= made <= changes
            # What is asked once a second, whoever looks.
            looks = counted(conn, "%bool_or(few.running)%") + counted(conn, "%accounts_exist%")
            mine = counted(conn, "%suspend_instances%")
            costs.append((counted(conn, "%onceflow.%") - looks - mine) / made)
    assert costs[0] == costs[1] >= 1


def test_a_stream_tells_that_a_task_was_claimed(
    settings: Settings, start: Start, worker: HandWorker
) -> None:
    instance = start()
    with running_api(settings) as api:

        async def claimed() -> None:
            async with httpx2.AsyncClient(base_url=api.url) as client:
                streams = streams_of(client, f"/ui/instances/{instance}")
                first = await anext(streams)
                worker.claim(instance)
                assert await anext(streams) == first

        asyncio.run(claimed())


def test_sigterm_ends_the_streams(settings: Settings, start: Start) -> None:
    with running_api(settings) as api:

        async def ended() -> int:
            async with httpx2.AsyncClient(base_url=api.url) as client:
                streams = streams_of(client, "/")
                await anext(streams)
                code = await asyncio.to_thread(api.stop)
                async for _ in streams:
                    pass
                return code

        assert asyncio.run(asyncio.wait_for(ended(), 8 + live.PAUSE)) == 0


@pytest.mark.parametrize(
    "of", ["", "instances", "/instances", "//elsewhere/ui/", "/ui/" + "x" * 2000]
)
def test_what_is_no_page_cannot_be_looked_at(client: TestClient, of: str) -> None:
    answer = client.get("/ui/live", params={"of": of})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["place"] == "query.of"


def test_the_header_of_no_stream_or_another_page_gets_a_page_of_its_own(
    client: TestClient, start: Start
) -> None:
    page = f"/ui/instances/{start()}"
    assert client.get(page, headers={HEADER: "unknown"}).status_code == 200


Watch = Callable[[Live], Any]


def watch(pool: Pool, watching: Watch, **options: Any) -> None:
    """Run something with a Live of its own."""

    async def run() -> None:
        lives = Live(Database(pool), **options)
        try:
            await watching(lives)
        finally:
            await lives.close()

    asyncio.run(run())


def test_no_more_streams_than_are_allowed(pool: Pool) -> None:
    async def watching(lives: Live) -> None:
        first = lives.open("/")
        with lives.watching(first):
            with pytest.raises(Problem) as refused:
                lives.open("/ui/workers")
            assert refused.value.status == 503
            assert refused.value.headers["Retry-After"]
        with lives.watching(lives.open("/ui/workers")):
            pass

    watch(pool, watching, most=1)


# guarantee: unheeded-kept
def test_a_browser_that_does_not_ask_for_what_it_is_told_is_let_go(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PAUSE", 0.02)
    monkeypatch.setattr(live, "UNHEEDED", 0.2)
    monkeypatch.setattr(live, "TIMED", 0.02)  # however often it is told

    async def watching(lives: Live) -> None:
        stream = lives.open("/")
        with lives.watching(stream):
            async with asyncio.timeout(30):
                told = [text async for text in lives.tell(stream)]
        assert len(told) > 2
        assert all(text.startswith(("retry: ", "event: change\n")) for text in told)

    watch(pool, watching)


def test_who_hears_nothing_for_long_hears_that_we_are_there(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.02)
    page = f"/ui/instances/{start()}"

    async def watching(lives: Live) -> None:
        stream = lives.open(page)
        with lives.watching(stream):
            async with asyncio.timeout(30):
                async for text in lives.tell(stream):
                    if text == ":\n\n":
                        break

    watch(pool, watching)


def test_a_page_that_takes_long_is_made_less_often(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PAUSE", 0.01)
    monkeypatch.setattr(live, "TIMED", 0.01)

    async def slowly() -> Any:
        await asyncio.sleep(0.2)
        return None

    async def watching(lives: Live) -> None:
        stream = lives.open("/")
        with lives.watching(stream):
            loop = asyncio.get_running_loop()
            await stream.subject.answer("", 1, slowly)
            made, changes = loop.time(), stream.subject.changes
            while stream.subject.changes == changes:
                await asyncio.sleep(0.01)
            assert loop.time() - made >= 0.7

    watch(pool, watching)
