"""Workers killed by SIGKILL at each point of the protocol, and servers that go away under load.

Whatever is killed when: every instance ends, every effect in the transaction of its completion is
there once, and every effect outside bears the same key each time it is tried.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import psycopg
import pytest

from onceflow.engine.dev.broker import EmbeddedBroker
from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

from ..servers import Servers, create_database, drop_database, ensure_template
from ..support import wait_until
from ..transports import use
from .support import Conn, deploy, effects, make_effect_table, relay, start, wait_for_ends

pytestmark = pytest.mark.dear

POINTS = [
    "worker.before_claim",
    "worker.after_claim",
    "worker.in_handler",
    "worker.before_complete",  # the effect is there, its completion is not
    "worker.after_complete",
]

CRASH = """
name: crash
steps:
  - {id: a, task: crash.inside}
  - {id: b, task: crash.outside}
  - {id: c, task: crash.outside_async}
  - {id: d, task: crash.inside}
"""


RunningProcess: TypeAlias = AbstractContextManager[subprocess.Popen[bytes]]


@contextmanager
def process(
    settings: Settings, log: Path, command: str, *arguments: str, **env: str
) -> Generator[subprocess.Popen[bytes]]:
    """Run ``onceflow COMMAND`` as a process; it is killed in the end, unless it has ended."""
    environment = {**os.environ, **settings.environment(), **env}
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [sys.executable, "-m", "onceflow", command, *arguments],
            env=environment,
            stderr=output,
        ) as started,
    ):
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def worker_process(
    settings: Settings, log: Path, *options: str, **env: str
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run a worker with the handlers of crash_tasks."""
    arguments = ("--import", "tests.worker.crash_tasks", "--concurrency", "4", *options)
    return process(settings, log, "worker", *arguments, **env)


def quick(settings: Settings) -> Settings:
    """Return the settings with a short lease, and the shortest session that brokers allow."""
    options = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}
    return replace(settings, lease=1.0, kafka_options={**options, **settings.kafka_options})


def prepare(conn: Conn) -> None:
    """Make the world in which the handlers have their effects."""
    make_effect_table(conn)
    conn.execute("create table called (key text not null)")
    conn.execute("create table kept (key text primary key)")
    deploy(conn, CRASH)


def begin(conn: Conn, count: int) -> list[UUID]:
    """Start so many instances."""
    return start(conn, "crash", [{"n": n} for n in range(count)])


def require_effects_once(conn: Conn, ids: list[UUID]) -> None:
    """Require each instance's effects once; calls outside may be more, under the same keys."""
    assert set(wait_for_ends(conn, ids, 90)) == {"SUCCEEDED"}
    assert effects(conn) == sorted((f"{i}/{step}", 1) for i in ids for step in "ad")
    kept = [key for (key,) in conn.execute("select key from kept order by key")]
    assert kept == sorted(f"{i}/{step}" for i in ids for step in "bc")
    called = {key for (key,) in conn.execute("select key from called")}
    assert called == set(kept)
    rows = conn.execute("select state, count(*) from onceflow.tasks group by state").fetchall()
    assert rows == [("SUCCEEDED", 4 * len(ids))]


def kill_a_worker(servers: Servers, transport: str, folder: Path, point: str, nth: int) -> None:
    """Let one worker die at ``point`` and another finish its work; require what the module says."""
    database = create_database(servers, migrated=True)
    settings = quick(
        Settings(
            dsn=database.dsn,
            kafka=servers.kafka,
            kafka_options=servers.kafka_options,
            transport=transport,
            prefix=database.name.replace("_", "-"),
            partitions=2,
        )
    )
    log = folder / f"{point}.log"
    try:
        with closing(database.connect()) as conn:
            use(conn, transport)
        with closing(database.connect()) as conn, relay(settings):
            prepare(conn)
            ids = begin(conn, 6)
            # Handed-off steps are not claimed: so few instances would not come to the fifth claim.
            options = ("--no-hand-off",) if "claim" in point else ()
            failpoint = {"ONCEFLOW_FAILPOINT": f"{point}::{nth}"}
            with worker_process(settings, log, *options, **failpoint) as killed:
                assert killed.wait(60) == -signal.SIGKILL, log.read_text()
            assert f"failpoint {point}" in log.read_text()
            with worker_process(settings, log) as second:
                require_effects_once(conn, ids)
                second.terminate()
                assert second.wait(20) == 0
    finally:
        drop_database(servers, database.name)


def at_each_point(
    kill: Callable[[Servers, str, Path, str, int], None],
    servers: Servers,
    transport: str,
    folder: Path,
    nth: int,
) -> None:
    """Kill workers at all failpoints, and require that none of them costs anything."""
    # Side by side, for most of the time goes by while the broker waits for the dead.
    ensure_template(servers)  # they would all make it
    with ThreadPoolExecutor(len(POINTS)) as pool:
        ends = {
            point: pool.submit(kill, servers, transport, folder, point, nth) for point in POINTS
        }
    faults = {point: end.exception() for point, end in ends.items() if end.exception() is not None}
    assert not faults


@pytest.mark.parametrize("nth", [1, 5])
def test_a_worker_killed_at_any_point_costs_nothing(
    servers: Servers, transport: str, tmp_path: Path, nth: int
) -> None:
    at_each_point(kill_a_worker, servers, transport, tmp_path, nth)


@pytest.mark.parametrize("nth", [1, 2])
def test_a_worker_that_sleeps_through_its_lease_does_nothing_twice(
    conn: Conn, settings: Settings, transport: str, tmp_path: Path, nth: int
) -> None:
    prepare(conn)
    use(conn, transport)
    settings = quick(replace(settings, transport=transport))
    log = tmp_path / "frozen.log"
    with relay(settings):
        ids = begin(conn, 4)
        # Frozen with handlers that have returned and answers that are not sent.
        failpoint = {"ONCEFLOW_FAILPOINT": f"worker.before_complete:stop:{nth}"}
        with worker_process(settings, log, **failpoint) as frozen:
            wait_until(lambda: "failpoint" in log.read_text(), "the first worker's freeze", 60)
            with worker_process(settings, tmp_path / "other.log"):
                require_effects_once(conn, ids)
                frozen.send_signal(signal.SIGCONT)
                wait_until(lambda: "the registration is lost" in log.read_text(), "its awakening")
                ids += begin(conn, 4)
                require_effects_once(conn, ids)


def test_postgres_restarted_under_load(
    own_postgres: EmbeddedPostgres, kafka: str, transport: str, prefix: str, tmp_path: Path
) -> None:
    settings = Settings(dsn=own_postgres.dsn, kafka=kafka, prefix=prefix, partitions=2)
    settings = quick(replace(settings, transport=transport))
    migrate(settings)
    with (
        process(settings, tmp_path / "relay.log", "relay"),
        worker_process(settings, tmp_path / "worker.log"),
    ):
        with closing(connect(settings)) as conn:
            prepare(conn)
            ids = begin(conn, 200)
            wait_until(lambda: len(effects(conn)) > 20, "some effects")
        own_postgres.stop(crash=True)
        own_postgres.start()
        with closing(connect(settings)) as conn:
            assert len(effects(conn)) < 400, "it was over before the restart"
            require_effects_once(conn, ids)


@pytest.mark.only("kafka", reason="there is no other broker")
def test_a_broker_restarted_empty_under_load(
    own_broker: EmbeddedBroker, conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    settings = quick(replace(settings, kafka=own_broker.bootstrap))
    prepare(conn)
    with (
        process(settings, tmp_path / "relay.log", "relay"),
        worker_process(settings, tmp_path / "worker.log"),
    ):
        ids = begin(conn, 100)
        wait_until(lambda: len(effects(conn)) > 5, "some effects")
        own_broker.stop()
        ids += begin(conn, 20)
        own_broker.start()
        require_effects_once(conn, ids)


def connect(settings: Settings) -> Conn:
    return psycopg.connect(settings.dsn, autocommit=True)
