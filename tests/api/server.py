"""The real server: `onceflow api` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from onceflow.engine.settings import Settings

ADDRESS = re.compile(r"listening on (http://\S+)")


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running server: its address, its process, and what it said before it listened."""

    url: str
    process: subprocess.Popen[str]
    said: list[str]

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(sig)
        return self.process.wait(20)


def start_api(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    """Start `onceflow api` as a process; its log comes through a pipe."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("ONCEFLOW_")}
    return subprocess.Popen(
        [sys.executable, "-m", "onceflow", "api", *arguments],
        env=env | settings.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until_listening(process: subprocess.Popen[str]) -> ApiServer:
    """Read the log until the server says where it listens; fail where it ends before."""
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        found = ADDRESS.search(line)
        if found:
            return ApiServer(found[1], process, said)
    raise AssertionError(f"onceflow api ended: {''.join(said)}")


@contextmanager
def running_api(settings: Settings, *arguments: str) -> Generator[ApiServer]:
    """Run `onceflow api` on a free port."""
    process = start_api(settings, *arguments)
    try:
        yield read_until_listening(process)
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
