"""Workers that die, or freeze, while transactional handlers share a transaction.

A group is alike whatever has brought its tasks, so one transport will do.
"""

import signal
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from onceflow.engine.settings import Settings

from ..servers import Servers, create_database, drop_database, ensure_template
from ..support import wait_until
from ..transports import use
from .support import (
    Conn,
    deploy,
    effects,
    make_effect_table,
    make_stack,
    relay,
    start,
    wait_for_ends,
)
from .test_crashes import quick, worker_process
from .worker_tasks import HANDLERS

TASKS = 60
SLOTS = 12
"""So many at most are in a group."""

WIDE = "name: wide\nsteps:\n" + "\n".join(
    f"  - {{id: s{n}, task: TASK, needs: []}}" for n in range(TASKS)
)
POINTS = {
    "worker.in_group": 3,
    "worker.before_complete": 2,
    "worker.after_complete": 2,
}


@contextmanager
def wide(servers: Servers) -> Generator[tuple[Settings, Conn, UUID]]:
    """Begin a wide instance in a database of its own."""
    database = create_database(servers, migrated=True)
    settings = quick(
        Settings(dsn=database.dsn, transport="postgres", prefix=database.name.replace("_", "-"))
    )
    try:
        with closing(database.connect()) as conn:
            use(conn, "postgres")
            with relay(settings):
                make_effect_table(conn)
                deploy(conn, WIDE.replace("TASK", "crash.inside"))
                yield settings, conn, start(conn, "wide", [{}])[0]
    finally:
        drop_database(servers, database.name)


def require_effects_once(conn: Conn, instance: UUID) -> None:
    assert wait_for_ends(conn, [instance], 60) == ["SUCCEEDED"]
    assert effects(conn) == sorted((f"{instance}/s{n}", 1) for n in range(TASKS))


def kill(servers: Servers, folder: Path, point: str, nth: int) -> None:
    log = folder / f"{point}.log"
    with wide(servers) as (settings, conn, instance):
        failpoint = {"ONCEFLOW_FAILPOINT": f"{point}::{nth}"}
        slots = ("--concurrency", f"{SLOTS}")
        with worker_process(settings, log, *slots, **failpoint) as killed:
            assert killed.wait(60) == -signal.SIGKILL, log.read_text()
        with worker_process(settings, log):
            require_effects_once(conn, instance)


@pytest.mark.only("postgres", reason="a group is alike whatever has brought its tasks")
def test_a_worker_killed_in_the_middle_of_a_group_costs_nothing(
    servers: Servers, transport: str, tmp_path: Path
) -> None:
    ensure_template(servers)
    with ThreadPoolExecutor(len(POINTS)) as pool:
        ends = [pool.submit(kill, servers, tmp_path, *point) for point in POINTS.items()]
    assert [end.exception() for end in ends] == [None] * len(POINTS)


@pytest.mark.only("postgres", reason="a group is alike whatever has brought its tasks")
def test_a_group_that_sleeps_through_its_lease_does_nothing_twice(
    servers: Servers, transport: str, tmp_path: Path
) -> None:
    log = tmp_path / "frozen.log"
    with wide(servers) as (settings, conn, instance):
        failpoint = {"ONCEFLOW_FAILPOINT": "worker.in_group:stop:3"}
        slots = ("--concurrency", f"{SLOTS}")
        with worker_process(settings, log, *slots, **failpoint) as frozen:
            wait_until(lambda: "failpoint" in log.read_text(), "the first worker's freeze", 60)
            with worker_process(settings, tmp_path / "other.log"):
                require_effects_once(conn, instance)
                frozen.send_signal(signal.SIGCONT)
                wait_until(lambda: "the registration is lost" in log.read_text(), "its awakening")
                require_effects_once(conn, instance)


def test_a_wide_instance_completes_in_groups(servers: Servers, transport: str) -> None:
    with make_stack(servers, HANDLERS, transport, concurrency=SLOTS) as stack:
        deploy(stack.conn, WIDE.replace("TASK", "own_transaction"))
        assert wait_for_ends(stack.conn, [stack.run("wide")], 60) == ["SUCCEEDED"]
        rows = stack.conn.execute("select distinct output from onceflow.tasks where step like 's%'")
        transactions = len(rows.fetchall())
        assert transactions <= TASKS // 2, "hardly any of them have shared a transaction"
        assert stack.worker.counters.snapshot()["completed"] == TASKS
