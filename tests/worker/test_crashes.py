"""Workers killed by SIGKILL at each point of the protocol, and servers that go away under load.

Whatever is killed when: every instance ends, every effect in the transaction of its completion is
there once, and every effect outside bears the same key each time it is tried.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from onceflow.engine.settings import Settings

from .support import (
    Conn,
    deploy,
    effects,
    make_effect_table,
    relay,
    start,
    wait_for_ends,
)

CRASH = """
name: crash
steps:
  - {id: a, task: crash.inside}
  - {id: b, task: crash.outside}
  - {id: c, task: crash.outside_async}
  - {id: d, task: crash.inside}
"""


@contextmanager
def process(settings: Settings, log: Path, **env: str) -> Generator[subprocess.Popen[bytes]]:
    """Run ``onceflow worker`` as a process; it is killed in the end, unless it has ended."""
    command = "from onceflow.engine.cli import main; raise SystemExit(main())"
    arguments = ["worker", "--import", "tests.worker.crash_tasks", "--concurrency", "4"]
    environment = {**os.environ, **settings.environment(), **env}
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [sys.executable, "-c", command, *arguments], env=environment, stderr=output
        ) as started,
    ):
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def prepare(conn: Conn) -> None:
    """Make the world in which the handlers have their effects."""
    make_effect_table(conn)
    conn.execute("create table called (key text not null)")
    conn.execute("create table kept (key text primary key)")
    deploy(conn, CRASH)


@pytest.mark.parametrize(
    "point",
    [
        "worker.before_claim",
        "worker.after_claim",
        "worker.in_handler",
        "worker.before_complete",
        "worker.after_complete",
    ],
)
@pytest.mark.parametrize("nth", [1, 7])
def test_a_killed_worker_costs_nothing(
    conn: Conn, settings: Settings, tmp_path: Path, point: str, nth: int
) -> None:
    prepare(conn)
    settings = quick(settings)
    log = tmp_path / "worker.log"
    with relay(settings):
        ids = start(conn, "crash", [{"n": n} for n in range(6)])
        with process(settings, log, ONCEFLOW_FAILPOINT=f"{point}::{nth}") as killed:
            assert killed.wait(60) == -signal.SIGKILL
        assert f"failpoint {point}" in log.read_text()
        with process(settings, log) as second:
            assert set(wait_for_ends(conn, ids)) == {"SUCCEEDED"}
            second.terminate()
            assert second.wait(20) == 0
    require_effects_once(conn, ids)


def require_effects_once(conn: Conn, ids: list[UUID]) -> None:
    """Require each instance's effects once; calls outside may be more, under the same keys."""
    assert effects(conn) == sorted((f"{i}/{step}", 1) for i in ids for step in "ad")
    kept = [key for (key,) in conn.execute("select key from kept order by key")]
    assert kept == sorted(f"{i}/{step}" for i in ids for step in "bc")
    called = {key for (key,) in conn.execute("select key from called")}
    assert called == set(kept)
    rows = conn.execute("select state, count(*) from onceflow.tasks group by state").fetchall()
    assert rows == [("SUCCEEDED", 4 * len(ids))]


def quick(settings: Settings) -> Settings:
    """Return the settings with a short lease, and the shortest session that brokers allow."""
    options = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}
    return replace(settings, lease=1.0, kafka_options={**settings.kafka_options, **options})
