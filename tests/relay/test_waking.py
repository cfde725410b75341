"""What is sent to instances is applied as it is committed, by a clock that else would rest on."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import NamedEvent
from onceflow.relay.clock import JOBS, Turns

from ..conftest import Connect
from ..sql.core.children.support import SHIP, UNDO, WORK, Family, deploy
from ..sql.play import Play
from ..support import wait_until
from .support import Conn

LONG = 120.0
"""Seconds that a rest would take in vain: much longer than a test waits."""

LAST = {"id": "last", **WORK}


@pytest.fixture
def play(conn: Conn) -> Play:
    return Play(conn)


@pytest.fixture(autouse=True)
def clock(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock that applies deliveries, asleep: it looks again when it is woken, or too late."""
    monkeypatch.setattr("onceflow.engine.sleeper.RESTS", (LONG,))
    (job,) = (job for job in JOBS if job.name == "deliveries")
    turns, conn, stop = Turns(replace(job, rest=LONG)), connect(), threading.Event()
    pid = conn.info.backend_pid
    thread = threading.Thread(target=turns.run, args=(conn, stop))
    thread.start()
    looking = connect()
    asleep = "select from pg_locks where locktype = 'advisory' and pid = %s"
    wait_until(lambda: bool(looking.execute(asleep, (pid,)).fetchall()), "its sleep")
    yield
    stop.set()
    while thread.is_alive():  # it may be awake, and about to rest
        looking.execute("select pg_notify('onceflow', '*deliveries')")
        thread.join(0.05)


def soon(play: Play, instance: UUID, task: str | None, state: str) -> None:
    """Wait until a task of an instance, or the instance itself, is in ``state``."""
    wait_until(lambda: play.state(instance, task) == state, f"{task or instance} being {state}")


def child_of(family: Family) -> UUID:
    """Wait until the start of an instance is applied; return it."""

    def started() -> bool:
        ids = family.children()
        rows = "select from onceflow.instance where id = any (%s)"
        return bool(ids and family.play.rows(rows, ids))

    wait_until(started, "the start of an instance")
    return family.children()[-1]


# guarantee: end-wakes-nobody
def test_a_family_hears_of_each_other_at_once(play: Play) -> None:
    family = Family(play, {"id": "first", **UNDO}, SHIP, LAST)
    play.complete(family.parent, "first")
    child = child_of(family)
    play.complete(child, "pack")
    soon(play, family.parent, "ship", "SUCCEEDED")
    play.fail(family.parent, "last")
    soon(play, child, None, "COMPENSATING")
    play.complete(child, "pack.compensate")
    soon(play, family.parent, "ship.compensate", "SUCCEEDED")


def test_what_is_closed_with_another_hears_of_it_at_once(play: Play) -> None:
    family = Family(play)
    child = child_of(family)
    calls.cancel_instances(play.conn, [family.parent])
    soon(play, child, None, "CANCELLED")
    soon(play, family.parent, None, "CANCELLED")


def test_a_step_hears_at_once_of_what_cannot_start(play: Play) -> None:
    parent = play.start(deploy(play, "order", {"id": "ship", "workflow": "unknown"}))
    soon(play, parent, "ship", "DEAD_LETTER")


def test_who_waits_for_an_event_hears_of_it_at_once(play: Play) -> None:
    wait = {"id": "paid", "wait_for": {"event": "paid", "key": "1"}}
    instance = play.start(deploy(play, "order", wait))
    calls.send_events(play.conn, [NamedEvent("paid", "1")])
    soon(play, instance, None, "SUCCEEDED")
