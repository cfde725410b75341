"""The whole stack as processes, and what must hold of it whatever comes in by any of its doors."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import psycopg

from onceflow.engine.calls import Key, cancel_instances, check_instances, discard_dead_letters
from onceflow.engine.settings import Settings

from ..api.server import ADDRESS
from ..servers import Servers, create_database, drop_database
from ..support import wait_until
from ..transports import DEFAULT, use

SLOWEST = 5.0
"""Seconds that one request may take on a busy machine."""
CANARY = {
    "name": "canary",
    "steps": [
        {"id": "a", "task": "fuzz.echo", "with": {"value": "$.input.value"}},
        {"id": "b", "task": "fuzz.echo_async", "with": {"value": "$.steps.a.output"}},
    ],
}
DECOY = CANARY | {"name": "decoy"}
"""What requests name: they may disable it, or give it another definition."""
STATEMENTS = """
kept: {sql: "select %(value)s::jsonb as value, %(text)s::text as text"}
"""
TEMPLATES = {
    "a.typ": "#let data = json(bytes(sys.inputs.data))\n#repr(data)",
    "big.typ": "#for n in range(3000) [#n ]\n#let data = json(bytes(sys.inputs.data))\n#data.a",
}
OUR_FAULT = re.compile(
    r"^(?:\S+Z (?:ERROR|CRITICAL) (?!.* were given up and are in quarantine).*| *Traceback .*)$",
    re.MULTILINE,
)
"""In a log: what handlers do wrong is warned of, and never by a traceback. An event for a topic
that the broker does not have, or refuses, is given up after minutes, and told as an error.
"""


class Process:
    """One `onceflow …` and its log."""

    def __init__(self, name: str, log: Path, settings: Settings, *arguments: str) -> None:
        self.name = name
        self.log = log
        self._seen = 0
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ONCEFLOW_")}
        environment["ONCEFLOW_SQL_STATEMENTS"] = str(log.parent / "statements.yaml")
        environment["ONCEFLOW_TEMPLATES"] = str(log.parent)
        environment["ONCEFLOW_SMTP"] = "smtp://127.0.0.1:1"
        with log.open("wb") as output:
            self.started = subprocess.Popen(
                [sys.executable, "-m", "onceflow", *arguments],
                env=environment | settings.environment(),
                stderr=output,
            )

    def said(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Find what it has said; it must not have ended."""
        text = self.log.read_text(errors="replace")
        assert self.started.poll() is None, f"{self.name} has ended: {text[-10_000:]}"
        return pattern.search(text)

    def check(self) -> None:
        """Require that it runs and has logged no fault of ours since the last look."""
        with self.log.open("rb") as file:
            file.seek(self._seen)
            new = file.read()
        self._seen += len(new)
        text = new.decode(errors="replace")
        assert self.started.poll() is None, f"{self.name} has ended: {text[-10_000:]}"
        found = OUR_FAULT.search(text)
        assert found is None, f"{self.name}: {text[max(0, found.start() - 3_000) :][:10_000]}"

    def waited(self) -> float:
        """Return for how many seconds it has waited for a CPU; 0 where the system tells none."""
        try:
            return int(Path(f"/proc/{self.started.pid}/schedstat").read_text().split()[1]) / 1e9
        except OSError:
            return 0.0

    def stop(self) -> int:
        """End it and return its exit code."""
        self.started.terminate()
        return self.started.wait(30)


class Doors:
    """The running stack."""

    def __init__(self, settings: Settings, conn: psycopg.Connection[Any]) -> None:
        self.settings = settings
        self.conn = conn
        self.processes: list[Process] = []
        self.workers: set[UUID] = set()
        self.slowest: dict[str, float] = {}
        self.http = httpx2.Client(timeout=60)

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send a request; it is answered in time, and never by a fault of ours."""
        began = time.monotonic()
        answer = self.http.request(method, path, **options)
        took = time.monotonic() - began
        self.slowest[method] = max(took, self.slowest.get(method, 0))
        assert answer.status_code < 500, (path, options, answer.status_code, answer.text)
        assert took < SLOWEST, (path, options, took)
        return answer

    def send(self, request: bytes, *, half: bool = False) -> bytes:
        """Send bytes as they are and return what is answered.

        Of what may be ``half`` a request no answer is due: the server is told that this is all.
        """
        began = time.monotonic()
        url = self.http.base_url
        answer = b""
        with socket.create_connection((url.host, url.port or 80), 60) as connection:
            try:
                connection.sendall(request)
                if half:
                    connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(1 << 16):
                    answer += piece
            except OSError:
                half = True  # refused before it had all arrived
        took = time.monotonic() - began
        self.slowest["raw"] = max(took, self.slowest.get("raw", 0))
        assert half or answer.startswith(b"HTTP/1.1 "), (request[:3_000], answer)
        assert not answer.startswith(b"HTTP/1.1 5"), (request[:3_000], answer)
        assert took < SLOWEST, (request[:3_000], took)
        return answer

    def post(self, path: str, text: str | bytes, kind: str = "application/json") -> httpx2.Response:
        """Send a body as it is."""
        body = text.encode(errors="surrogatepass") if isinstance(text, str) else text
        return self.ask("POST", path, content=body, headers={"content-type": kind})

    def deploy(self, definition: dict[str, Any]) -> None:
        """Register a workflow of the test's own."""
        answer = self.ask("POST", "/workflows", json=definition)
        assert answer.status_code in (200, 201), answer.text

    def start(self, workflow: str, inputs: Iterable[Any]) -> list[UUID]:
        """Start instances whose inputs must fit."""
        body = {"instances": [{"input": given} for given in inputs]}
        answer = self.ask("POST", f"/workflows/{workflow}/instances", json=body)
        assert answer.status_code == 200, answer.text
        items = answer.json()["instances"]
        assert {item["outcome"] for item in items} == {"started"}, answer.text
        return [UUID(item["id"]) for item in items]

    def check(self, instances: Sequence[UUID] = ()) -> None:
        """Require what must hold after anything.

        Every process runs and tells of no fault; every attempt is answered; the instances have
        ended, or ``explain`` names what they wait for; others are served.
        """
        for process in self.processes:
            process.check()
        if instances:
            self.settle(list(instances))
        path = "/workflows/canary/start?wait=20"
        began = time.monotonic()
        answer = self.http.post(path, json={"input": {"value": 1}})
        assert answer.status_code == 201, answer.text
        assert answer.json()["status"] == "SUCCEEDED", answer.text
        assert time.monotonic() - began < 2 * SLOWEST
        wait_until(self._idle, "every attempt to be answered")
        live = self._column("select id from onceflow.workers where state = 'live'")
        assert live == self.workers, "workers have registered anew"
        for process in self.processes:
            process.check()

    def registered(self) -> bool:
        """Whether both workers live."""
        for process in self.processes:
            process.check()
        return len(self._column("select id from onceflow.workers where state = 'live'")) == 2

    def settle(self, instances: list[UUID]) -> None:
        """Wait for the end of instances; what waits for somebody says for whom, and is given up."""
        wait_until(lambda: not self._moving(instances), f"the end of {instances}", 60)
        while held := self._open(instances):
            for instance in held:
                self.ask("GET", f"/instances/{instance}")
                told = self.ask("GET", f"/instances/{instance}/explain")
                assert told.status_code == 200, told.text
                assert told.json(), told.text
            letters = self.conn.execute(
                "select instance_id, task from onceflow.tasks"
                " where instance_id = any(%s) and state = 'DEAD_LETTER' and open",
                (held,),
            ).fetchall()
            if letters:
                discard_dead_letters(self.conn, [Key(*letter) for letter in letters])
            cancel_instances(self.conn, held)
            wait_until(lambda: not self._moving(instances), f"the end of {instances}", 60)
        assert check_instances(self.conn, instances) == []

    def _moving(self, instances: list[UUID]) -> set[UUID]:
        """Return those that neither have ended nor wait for a person or for a handler."""
        return self._column(
            "select i.id from onceflow.instances i where i.id = any(%s) and i.ended_at is null"
            " and not exists (select from onceflow.tasks t where t.instance_id = i.id"
            "  and (t.state = 'DEAD_LETTER' and t.open or t.held_by = 'handler'))",
            instances,
        )

    def _open(self, instances: list[UUID]) -> list[UUID]:
        return sorted(
            self._column(
                "select i.id from onceflow.instances i where i.id = any(%s) and i.ended_at is null",
                instances,
            )
        )

    def _idle(self) -> bool:
        """Whether no attempt is open; each that is answered frees its slot."""
        return not self._column("select id from onceflow.workers where running > 0")

    def _column(self, statement: str, *parameters: Any) -> set[UUID]:
        return {value for (value,) in self.conn.execute(statement, parameters)}  # pyright: ignore


@contextmanager
def open_doors(servers: Servers, folder: Path) -> Generator[Doors]:
    """Run the whole stack: `onceflow api`, a relay and two workers."""
    database = create_database(servers, migrated=True)
    settings = Settings(
        dsn=database.dsn,
        kafka=servers.kafka if DEFAULT == "kafka" else "",
        kafka_options=servers.kafka_options,
        transport=DEFAULT,
        prefix=database.name.replace("_", "-"),
        partitions=2,
        lease=10.0,
        port=0,
        data=folder,
    )
    for name, text in {"statements.yaml": STATEMENTS, **TEMPLATES}.items():
        (folder / name).write_text(text)
    try:
        with ExitStack() as stack:
            conn = stack.enter_context(closing(database.connect()))
            use(conn, DEFAULT)
            doors = Doors(settings, conn)
            stack.callback(doors.http.close)

            def run(name: str, *arguments: str) -> Process:
                process = Process(name, folder / f"{name}.log", settings, *arguments)
                stack.callback(process.started.wait)
                stack.callback(process.started.kill)
                doors.processes.append(process)
                return process

            api = run("api", "api")
            run("relay", "relay")
            modules = ("--import", "tests.fuzz.tasks", "--import", "onceflow.worker.integrations")
            for name in ("one", "other"):
                run(name, "worker", *modules, "--concurrency", "4", "--name", name)
            doors.http.base_url = wait_until(lambda: api.said(ADDRESS), "the API to listen")[1]
            doors.deploy(DECOY)
            doors.deploy(CANARY)
            wait_until(doors.registered, "the workers to register")
            doors.workers = {id_ for (id_,) in conn.execute("select id from onceflow.workers")}
            doors.start("canary", [{"value": n} for n in range(8)])
            doors.check()
            with watched(api, str(doors.http.base_url)):
                yield doors
            doors.check()
            codes = {process.name: process.stop() for process in reversed(doors.processes)}
            assert set(codes.values()) == {0}, codes
            for process in doors.processes:
                said = OUR_FAULT.search(process.log.read_text(errors="replace"))
                assert said is None, said
    finally:
        drop_database(servers, database.name)


MEDIAN, WORST = 0.1, 1.0
"""Seconds within which /health/live answers, whatever else the server is asked; but for those in
which its own thread waited for a CPU."""
LONGEST = 10.0
"""Seconds of which none takes more."""
LATE = 0.1
"""Seconds by which this process is woken late where the machine is too busy to measure."""


@contextmanager
def watched(api: Process, url: str) -> Generator[None]:
    """Ask /health/live again and again meanwhile, from a thread of its own."""
    stop = threading.Event()
    took: list[float] = []
    longest = 0.0

    def watch() -> None:
        nonlocal longest
        with httpx2.Client(base_url=url, timeout=60) as client:
            while True:
                planned = time.monotonic() + 0.05
                if stop.wait(0.05):
                    return
                waited, began = api.waited(), time.monotonic()
                client.get("/health/live").raise_for_status()
                seconds = time.monotonic() - began
                longest = max(longest, seconds)
                if began - planned < LATE:
                    took.append(max(0.0, seconds - (api.waited() - waited)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    took.sort()
    assert took, "nobody looked whether the API lives"
    told = json.dumps({"looks": len(took), "median": took[len(took) // 2], "worst": took[-9:]})
    assert took[len(took) // 2] < MEDIAN, told
    assert took[-1] < WORST, told
    assert longest < LONGEST, longest
