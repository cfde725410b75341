"""Runs commands at a terminal, or with the encoding of one."""

import json
import os
import pty
import subprocess
import sys
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


ONE_AFTER_THE_OTHER = """
import json, sys
from onceflow.engine.commands import cli
from onceflow.engine.commands.terminal.encodings import write_any_text
write_any_text()
codes = []
for command in json.loads(sys.argv[1]):
    try:
        codes.append(cli.main(command))
    except SystemExit as end:
        codes.append(end.code)
    print(flush=True, end="\\0")
print(json.dumps(codes))
"""


def all_encoded(encoding: str, *commands: list[str]) -> list[str]:
    """Return what commands print in this encoding, one after the other in a process; none fails."""
    given = {**os.environ, "PYTHONIOENCODING": encoding}
    argv = [sys.executable, "-P", "-c", ONE_AFTER_THE_OTHER, json.dumps(commands)]
    done = subprocess.run(argv, capture_output=True, env=given, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    *printed, codes = done.stdout.decode(encoding).split("\0")
    assert json.loads(codes) == [0] * len(commands)
    return printed


def encoded(
    encoding: str, *arguments: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command whose streams have this encoding."""
    given = {**os.environ, "PYTHONIOENCODING": encoding, **(env or {})}
    argv = onceflow_argv(*map(str, arguments))
    return subprocess.run(argv, capture_output=True, env=given, check=False, timeout=60)
