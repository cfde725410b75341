"""`onceflow worker`: what it refuses to start, and how signals end it."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import psycopg.conninfo
import pytest

from onceflow.engine.settings import Settings

from ..support import wait_until
from ..transports import use
from .support import deploy, make_topics, relay, start, wait_for_task

COMMAND = [sys.executable, "-m", "onceflow", "worker"]
TASKS = """
import time
from onceflow.worker import Context, task

@task("nap")
def nap(seconds: float, ctx: Context) -> str:
    ctx.progress("napping")
    time.sleep(seconds)
    return "rested"
"""

NAP = """
name: nap
steps:
  - {id: only, task: nap, with: {seconds: $.input.seconds}}
"""


def run(settings: Settings, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **settings.environment()},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


TWICE = """
from onceflow.worker import task

@task("a")
def one(n: int) -> int:
    return n


@task("a")
def other(n: int) -> int:
    return n
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "naps.py").write_text(TASKS)
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "torn.py").write_text("x = 1\ndef f(:\n")
    (tmp_path / "lost.py").write_text("\n\nimport no_such_module_of_theirs\n")
    (tmp_path / "twice.py").write_text(TWICE)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--import", "no_such_module"], 2, "no_such_module"),
        (["--import", "empty"], 2, "no task is registered"),
        (["--import", "torn"], 2, "torn.py:2: SyntaxError: "),
        (["--import", "lost"], 2, "lost.py:3: ModuleNotFoundError: No module named 'no_such"),
        (["--import", "twice"], 2, "twice.py:9: ValueError: the task a is "),
        (["--import", "naps", "--concurrency", "0"], 2, "--concurrency"),
        (["--import", "naps", "--queues", "two words"], 1, "cannot register"),
    ],
)
def test_what_it_refuses_to_start(
    settings: Settings, folder: Path, arguments: list[str], code: int, words: str
) -> None:
    ended = run(settings, folder, *arguments)
    assert (ended.returncode, words in ended.stderr) == (code, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_one_of_another_transport_says_what_to_type(
    settings: Settings, conn: psycopg.Connection[Any], folder: Path, transport: str
) -> None:
    other = "postgres" if transport == "kafka" else "kafka"
    use(conn, other)
    ended = run(replace(settings, transport=transport), folder, "--import", "naps")
    assert ended.returncode == 1
    assert f"is {other}, and not {transport}" in ended.stderr
    assert f"onceflow transport {transport}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert conn.execute("select 1 from onceflow.workers").fetchall() == []


@pytest.mark.parametrize(
    ("signals", "grace", "state"),
    [
        ([signal.SIGTERM], "30", "SUCCEEDED"),
        ([signal.SIGINT], "0", "QUEUED"),
        ([signal.SIGTERM, signal.SIGTERM], "300", "QUEUED"),
    ],
)
def test_signals_end_it(
    conn: psycopg.Connection[Any],
    settings: Settings,
    folder: Path,
    signals: list[signal.Signals],
    grace: str,
    state: str,
) -> None:
    deploy(conn, NAP)
    (instance,) = start(conn, "nap", [{"seconds": 1.5 if state == "SUCCEEDED" else 60}])
    log = folder / "log"
    with (
        relay(settings),
        log.open("w") as output,
        subprocess.Popen(
            [*COMMAND, "--import", "naps", "--grace", grace, "--name", "napper"],
            env={**os.environ, **settings.environment()},
            cwd=folder,
            stderr=output,
        ) as process,
    ):
        wait_for_task(conn, instance, "only", "RUNNING")
        for number in signals:
            heard = log.read_text().count(number.name)
            process.send_signal(number)
            wait_until(lambda n=number, h=heard: log.read_text().count(n.name) > h, "the signal")
        assert process.wait(30) == 0, log.read_text()
        wait_for_task(conn, instance, "only", state)
    rows = conn.execute("select name, state from onceflow.workers").fetchall()
    assert rows == [("napper", "stopped")]


def test_it_waits_for_postgres_and_says_so(settings: Settings, folder: Path) -> None:
    make_topics(settings, ["default"])
    nowhere = psycopg.conninfo.make_conninfo(settings.dsn, port=1)
    log = folder / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*COMMAND, "--import", "naps"],
            env={**os.environ, **settings.environment(), "ONCEFLOW_DSN": nowhere},
            cwd=folder,
            stderr=output,
        ) as process,
    ):
        wait_until(lambda: "connecting is tried again" in log.read_text(), "its word")
        process.terminate()
        assert process.wait(20) == 0
