"""Sleepers are woken by the commit of a message, and where nobody sleeps nobody pays for it."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from onceflow.engine.calls import register_workflow, start_instances
from onceflow.engine.sleeper import RELAY, RESTS, Sleeper

from ..conftest import Connect
from ..sql.workflows import Step, workflow
from ..support import wait_until

Conn = psycopg.Connection[Any]
LONG = 30.0
"""Seconds that a rest would take in vain: much longer than a commit."""


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def heard(connect: Connect) -> Callable[[], list[str]]:
    """A function that returns what was sent since its last call, as another listener hears it."""
    listener = connect()
    listener.execute("listen onceflow")

    def hear() -> list[str]:
        # A notification of our own comes after all that were sent before.
        listener.execute("notify onceflow, 'the end'")
        payloads: list[str] = []
        for notify in listener.notifies(timeout=LONG):
            if notify.payload == "the end":
                break
            payloads.append(notify.payload)
        return payloads

    return hear


@pytest.fixture(autouse=True)
def long_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks again before it is woken, or the test has waited in vain."""
    monkeypatch.setattr("onceflow.engine.sleeper.RESTS", (LONG,))


def start(conn: Conn, queue: str = "default", count: int = 1) -> None:
    register_workflow(conn, workflow(Step("only", queue=queue), name=f"of-{queue}"))
    nothing: dict[str, Any] = {}
    start_instances(conn, f"of-{queue}", [nothing] * count)


def asleep(sleeper: Sleeper) -> threading.Thread:
    """Let a sleeper lie down, look in vain, and rest in a thread."""
    sleeper.rest(0)
    thread = threading.Thread(target=sleeper.rest, args=(0,))
    thread.start()
    return thread


@pytest.mark.parametrize("name", ["pdf", RELAY])
def test_a_sleeper_is_woken_by_the_commit_of_a_message(
    connect: Connect, conn: Conn, stop: threading.Event, name: str
) -> None:
    thread = asleep(Sleeper(connect(), ["other", name], stop))
    start(conn, "pdf")
    thread.join(LONG / 2)
    assert not thread.is_alive()


def test_a_message_of_another_queue_wakes_nobody(
    connect: Connect, conn: Conn, stop: threading.Event, heard: Callable[[], list[str]]
) -> None:
    thread = asleep(Sleeper(connect(), ["pdf"], stop))
    start(conn, "mail")
    assert heard() == []
    assert thread.is_alive()
    start(conn, "pdf", 3)
    assert heard() == ["pdf"]
    thread.join(LONG / 2)


def test_where_nobody_sleeps_no_commit_announces_anything(
    connect: Connect, conn: Conn, stop: threading.Event, heard: Callable[[], list[str]]
) -> None:
    sleeper = Sleeper(connect(), ["default"], stop)
    start(conn)
    assert heard() == []
    thread = asleep(sleeper)
    start(conn)
    assert heard() == ["default"]
    thread.join(LONG / 2)


def test_who_finds_several_is_awake_and_has_nobody_announce_more(
    connect: Connect, conn: Conn, stop: threading.Event, heard: Callable[[], list[str]]
) -> None:
    sleeper = Sleeper(connect(), ["default"], stop)
    sleeper.rest(0)
    sleeper.rest(2)
    start(conn)
    assert heard() == []


def test_two_sleep_on_one_queue(
    connect: Connect, conn: Conn, stop: threading.Event, heard: Callable[[], list[str]]
) -> None:
    threads = [asleep(Sleeper(connect(), ["default"], stop)) for _ in range(2)]
    start(conn)
    for thread in threads:
        thread.join(LONG / 2)
        assert not thread.is_alive()
    assert heard() == ["default"]


def test_a_message_whose_writer_saw_no_sleeper_is_found_soon_after(
    connect: Connect,
    conn: Conn,
    stop: threading.Event,
    heard: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("onceflow.engine.sleeper.RESTS", RESTS)
    register_workflow(conn, workflow(Step("only"), name="of-default"))
    writer = connect(autocommit=False)
    start_instances(writer, "of-default", [{}])
    sleeper = Sleeper(connect(), ["default"], stop)
    sleeper.rest(0)
    looking = connect()
    assert messages(looking) == 0

    def sleep_until_found() -> None:
        sleeper.rest(0)
        while not messages(looking):
            sleeper.rest(0)

    thread = threading.Thread(target=sleep_until_found, daemon=True)
    thread.start()
    writer.commit()
    assert heard() == []
    thread.join(LONG / 3)
    assert not thread.is_alive()


def messages(conn: Conn) -> int:
    (count,) = conn.execute("select count(*) from onceflow.outbox").fetchone() or (0,)
    return count


def test_a_connection_that_is_lost_leaves_no_sleeper_behind(
    connect: Connect, conn: Conn, stop: threading.Event, heard: Callable[[], list[str]]
) -> None:
    lost = connect()
    Sleeper(lost, ["default"], stop).rest(0)
    pid = lost.info.backend_pid
    lost.close()
    gone = "select 1 from pg_stat_activity where pid = %s"
    wait_until(lambda: not conn.execute(gone, (pid,)).fetchall(), "the end of its session")
    start(conn)
    assert heard() == []


def test_writers_beside_each_other_take_nobody_for_a_sleeper(
    connect: Connect, conn: Conn, heard: Callable[[], list[str]]
) -> None:
    register_workflow(conn, workflow(Step("only"), name="of-default"))
    one, other = connect(autocommit=False), connect(autocommit=False)
    for writer in (one, other):
        start_instances(writer, "of-default", [{}])
    one.commit()
    other.commit()
    assert heard() == []
