"""docs/troubleshooting.md is run from its beginning to its end, with real processes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import psycopg
import pytest

from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.process import Process
from onceflow.engine.settings import Settings

from ..servers import Database
from ..support import wait_until
from ..transports import use

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
PART = re.compile(
    r"<!-- (?P<verb>file|start|stop|page|nowhere)(?P<path> /\S*)?: (?P<text>.*?) -->"
    r"(?:\n```\w+\n(?P<content>.*?)```)?|```console\n(?P<commands>.*?)```",
    re.DOTALL,
)
EXAMPLE = "01a205de-4851-7852-a2f3-9df555da97c8"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ASKS = ("onceflow explain", "onceflow show", "cat")
"""Commands that change nothing: they are repeated until they print what they should."""


class Reader:
    """Somebody who does what the page says, in a folder of their own."""

    def __init__(self, folder: Path, settings: Settings, stack: ExitStack) -> None:
        self.folder = folder
        self.url = f"http://{settings.host}:{settings.port}"
        self._stack = stack
        self._instance = EXAMPLE
        self._processes: dict[str, Process] = {}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._env = {**os.environ, **settings.environment(), "PATH": path}

    def write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content)

    def start(self, command: str) -> None:
        """Start a process as one would in a terminal of its own."""
        log = self.folder / f"{command.replace(' ', '')}.log"
        argv = ["onceflow", *command.split()]
        with log.open("ab") as output:
            process = Process(command, argv, env=self._env, cwd=self.folder, output=output)
        self._stack.callback(process.stop)
        self._processes[command] = process
        if command == "api":
            wait_until(self._answers, "the api to answer")

    def stop(self, command: str) -> None:
        """Let a process die."""
        self._processes[command].stop("KILL")

    def logged(self) -> str:
        return "".join(log.read_text() for log in self.folder.glob("*.log"))

    def page(self, path: str, text: str) -> None:
        """Look at a page, by default that of the instance, for a text."""
        url = self.url + (path or f"/ui/instances/{self._instance}")
        wait_until(lambda: text in httpx2.get(url).text, f"{url} saying {text!r}")

    def type(self, command: str, shown: list[str]) -> None:
        """Type a command, and hold what it prints against what the page shows."""
        form = "\n".join(map(self._form, shown))

        def fits() -> bool:
            return re.fullmatch(form, self._run(command), re.DOTALL) is not None

        if command.startswith(ASKS):
            try:
                wait_until(fits, command)
            except AssertionError as error:
                shown_here = "\n".join(shown)
                raise AssertionError(f"{error}\n{self._run(command)}\n---\n{shown_here}") from None
            return
        printed = self._run(command)
        if command.startswith("onceflow start") and (found := UUID.search(printed)):
            self._instance = found[0]
            form = "\n".join(map(self._form, shown))
        assert re.fullmatch(form, printed, re.DOTALL), f"$ {command}\n{printed}"

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health/live").status_code == 200
        except httpx2.HTTPError:
            return False

    def _run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command.replace(EXAMPLE, self._instance)],
            cwd=self.folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout.rstrip("\n")

    def _form(self, line: str) -> str:
        line = line.replace(EXAMPLE, self._instance)
        return ".*".join(map(re.escape, line.split("…")))


@pytest.fixture
def reader(tmp_path: Path, database: Database, settings: Settings) -> Iterator[Reader]:
    theirs = replace(
        settings, transport="postgres", kafka="", port=free_port(), data=tmp_path / ".onceflow"
    )
    with database.connect() as conn:
        use(conn, "postgres")
    with ExitStack() as stack:
        yield Reader(tmp_path, theirs, stack)


def look_nowhere(conn: psycopg.Connection[object], reader: Reader, secret: str) -> None:
    """See that a secret is in no table and in no log."""
    for table in ("task", "task_log", "instance", "outbox"):
        rows = conn.execute(f"select t::text from onceflow.{table} t".encode()).fetchall()
        assert secret not in str(rows), table
    assert secret not in reader.logged()
    assert "does not know us" in reader.logged()


@pytest.mark.only("postgres", reason="the page goes without a broker")
@pytest.mark.timeout(240)
def test_the_page_from_beginning_to_end(reader: Reader, conn: psycopg.Connection[object]) -> None:
    does = {"start": reader.start, "stop": reader.stop}
    done = 0
    for part in PART.finditer(PAGE.read_text(encoding="utf-8")):
        verb, text = part["verb"], part["text"]
        if part["commands"]:
            for one in re.split(r"^\$ ", part["commands"], flags=re.MULTILINE)[1:]:
                command, *shown = one.rstrip("\n").split("\n")
                reader.type(command, shown)
                done += 1
        elif verb == "file":
            reader.write(text, part["content"])
        elif verb == "page":
            reader.page((part["path"] or "").strip(), text)
        elif verb == "nowhere":
            look_nowhere(conn, reader, text)
        else:
            does[verb](text)
    assert done > 30
