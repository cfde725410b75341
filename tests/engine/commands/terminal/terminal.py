"""Runs commands at a terminal, or with the encoding of one."""

import os
import pty
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from onceflow.engine.dev.supervisor import onceflow_argv

from ....support import wait_until


class Shown(NamedTuple):
    """How a command at a terminal ended, and all that stood on it."""

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def at_terminal(
    *arguments: object, columns: int = 80, answer: str = "", env: Mapping[str, str] | None = None
) -> Shown:
    """Run a command at a terminal, and type an answer once it asks."""
    ours, theirs = pty.openpty()
    given = {**os.environ, "TERM": "dumb", "COLUMNS": str(columns), **(env or {})}
    argv = onceflow_argv(*map(str, arguments))
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=given) as running:
        os.close(theirs)
        shown, typed = b"", False

        def read() -> bool:
            nonlocal shown, typed
            try:
                piece = os.read(ours, 65536)
            except OSError:
                return True  # the other end was closed
            shown += piece
            if answer and not typed and b"[y/N]" in shown:
                typed = True
                os.write(ours, answer.encode())
            return not piece

        wait_until(read, "the end of what the command shows")
        code = running.wait(30)
    os.close(ours)
    return Shown(code, shown.decode(errors="backslashreplace").replace("\r\n", "\n"))


def encoded(
    encoding: str, *arguments: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command whose streams have this encoding."""
    given = {**os.environ, "PYTHONIOENCODING": encoding, **(env or {})}
    argv = onceflow_argv(*map(str, arguments))
    return subprocess.run(argv, capture_output=True, env=given, check=False, timeout=60)
