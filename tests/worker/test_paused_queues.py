"""A queue is paused under a real worker and relay: nothing of it runs until it is resumed."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from onceflow.engine.settings import Settings

from ..support import wait_until
from ..transports import use
from .support import Conn, deploy, effects, make_effect_table, start, wait_for_ends
from .test_crashes import process, quick

NOTHING: dict[str, Any] = {}

WORKFLOWS = """
name: {name}
steps:
  - {{id: a, task: crash.inside, queue: {first}}}
  - {{id: b, task: crash.inside, queue: {second}}}
"""


def onceflow(settings: Settings, *arguments: str) -> str:
    """Run a command that must succeed, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "onceflow", *arguments],
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_paused_nothing_runs_and_resumed_each_task_runs_once(
    settings: Settings, conn: Conn, tmp_path: Path, transport: str
) -> None:
    settings = quick(replace(settings, transport=transport))
    use(conn, transport)
    make_effect_table(conn)
    for name, first, second in (("at-once", "held", "free"), ("later", "free", "held")):
        deploy(conn, WORKFLOWS.format(name=name, first=first, second=second))
    deploy(conn, WORKFLOWS.format(name="other", first="free", second="free"))
    onceflow(settings, "queue", "pause", "held")
    imports = ("--import", "tests.worker.crash_tasks", "--queues", "held,free")
    with (
        process(settings, tmp_path / "relay.log", "relay"),
        process(settings, tmp_path / "worker.log", "worker", *imports),
    ):
        at_once, later = (start(conn, name, [NOTHING] * 20) for name in ("at-once", "later"))
        first = sorted((f"{one}/a", 1) for one in later)
        wait_until(lambda: effects(conn) == first, "what is not of the queue to run", 60)
        other = start(conn, "other", [NOTHING] * 20)
        assert set(wait_for_ends(conn, other, 60)) == {"SUCCEEDED"}
        both = [f"{one}/{task}" for one in other for task in "ab"]
        assert effects(conn) == sorted([*first, *((key, 1) for key in both)])
        for one in (at_once[0], later[0]):
            told = onceflow(settings, "explain", str(one))
            assert "held back: queue held has been paused since 2" in told
            assert "resume it: onceflow queue resume held" in told
        onceflow(settings, "queue", "resume", "held")
        assert set(wait_for_ends(conn, [*at_once, *later], 60)) == {"SUCCEEDED"}
    all_of_them = [f"{one}/{task}" for one in (*at_once, *later, *other) for task in "ab"]
    assert effects(conn) == sorted((key, 1) for key in all_of_them)
