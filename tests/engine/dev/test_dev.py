"""``onceflow dev``: everything comes up, is found by other commands, and goes down together."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from onceflow.engine.dev import unprivileged
from onceflow.engine.dev.postgres import EmbeddedPostgres, free_port
from onceflow.engine.dev.supervisor import onceflow_argv

from ...support import descendants, is_running, wait_until

TASKS = """
from onceflow.worker import task

@task("greet")
def greet(name: str) -> str:
    return f"hello {name}"
"""

GREET = """
name: greet
steps:
  - {id: greet, task: greet, with: {name: $.input.name}}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder to run ``onceflow dev`` in, with a module of tasks."""
    made = Path(tempfile.mkdtemp(prefix="onceflow-test-"))
    made.chmod(0o755)
    (made / "greetings.py").write_text(TASKS)
    yield made
    EmbeddedPostgres(made / ".onceflow" / "postgres").remove_data()
    shutil.rmtree(made)


class Dev:
    """A running ``onceflow dev``."""

    def __init__(self, folder: Path, port: int, *options: str, **env: str) -> None:
        self.output = folder / "dev.out"
        self.port = port
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                onceflow_argv("dev", "--import", "greetings", *options),
                cwd=folder,
                env=environment(ONCEFLOW_PORT=str(port), **env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def text(self) -> str:
        return self.output.read_text()

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.text()
        return "API:" in self.text()

    def said(self, line: str) -> str:
        """Return what it says behind the beginning of a line, once it does."""
        return wait_until(lambda: re.search(f"{line}(.*)", self.text()), line, 60)[1]

    def pid_of(self, name: str) -> int:
        """Return the process of a child by the command that it runs."""
        for pid in descendants(self.process.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"onceflow" in command[:5] and name.encode() in command and b"--" not in command:
                return pid
        raise AssertionError(f"no {name} runs")


def environment(**more: str) -> dict[str, str]:
    ours = {k: v for k, v in os.environ.items() if not k.startswith("ONCEFLOW_")}
    return {**ours, **more}


@contextmanager
def running_dev(folder: Path, *options: str, **env: str) -> Generator[Dev, None, None]:
    dev = Dev(folder, free_port(), *options, **env)
    try:
        wait_until(dev.is_up, "onceflow dev to be up", 90)
        yield dev
    finally:
        if dev.process.poll() is None:
            dev.process.kill()
        dev.process.wait()


def call(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        onceflow_argv(*arguments),
        cwd=folder,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_all_gone(pids: set[int]) -> None:
    assert len(pids) > 5, "there were processes to look at"
    wait_until(lambda: not any(is_running(pid) for pid in pids), "all processes to end")


SESSIONS = """
    select distinct split_part(application_name, ' ', 2), usename from pg_catalog.pg_stat_activity
     where application_name ~ '^onceflow (api|relay|worker)'"""


def assert_least_roles(dev: Dev, owner: psycopg.Connection[Any]) -> None:
    """Each process is a role of its own, and knows of no other."""
    processes = ("api", "relay", "worker")
    found = set(owner.execute(SESSIONS).fetchall())
    assert found == {(process, f"onceflow_{process}") for process in processes}
    for process in processes:
        environ = Path(f"/proc/{dev.pid_of(process)}/environ").read_text()
        logins = set(re.findall(r"postgresql://(\w+)", environ))
        assert logins == {f"onceflow_{process}"}
    supers = owner.execute("select rolname from pg_catalog.pg_roles where rolsuper").fetchall()
    assert supers == [("postgres",)]
    assert owner.info.user == "onceflow_owner"


def test_up_found_alone_and_down(folder: Path) -> None:
    with running_dev(folder) as dev:
        started = descendants(dev.process.pid)
        migrated = call(folder, "migrate")
        assert migrated.returncode == 0, migrated.stderr
        assert "no migration was missing" in migrated.stdout, "it found the running dev's database"

        second = call(folder, "dev", ONCEFLOW_PORT=str(free_port()))
        assert second.returncode == 1
        assert f"is in use by process {dev.process.pid}" in second.stderr
        assert "ONCEFLOW_DATA" in second.stderr

        dsn = next(line.split()[-1] for line in dev.text().splitlines() if "Postgres:" in line)
        with psycopg.connect(dsn) as conn:
            conn.execute("create table kept as select 1 as n")
            assert_least_roles(dev, conn)

        dev.process.send_signal(signal.SIGTERM)
        assert dev.process.wait(60) == 0, dev.text()
        assert_all_gone(started)
    alone = call(folder, "migrate")
    assert alone.returncode == 2
    assert "ONCEFLOW_DSN is not set" in alone.stderr

    again = EmbeddedPostgres(folder / ".onceflow" / "postgres")
    with again, psycopg.connect(again.dsn) as conn:
        assert conn.execute("select n from kept").fetchone() == (1,), "data are kept"


def test_without_a_broker_and_then_with_one(folder: Path) -> None:
    (folder / "greet.yaml").write_text(GREET)
    for transport in ("postgres", "kafka"):
        with running_dev(folder, ONCEFLOW_TRANSPORT=transport) as dev:
            names = [
                Path(f"/proc/{pid}/cmdline").read_bytes() for pid in descendants(dev.process.pid)
            ]
            assert any(b"tansu" in name for name in names) == (transport == "kafka")
            assert ("Kafka:" in dev.text()) == (transport == "kafka")
            deployed = call(folder, "deploy", "greet.yaml")
            assert deployed.returncode == 0, deployed.stderr
            started = call(folder, "start", "greet", "--input", '{"name": "Ada"}', "--wait")
            assert started.returncode == 0, started.stderr
            assert "SUCCEEDED" in started.stdout
            refused = call(folder, "transport", "kafka" if transport == "postgres" else "postgres")
            assert refused.returncode == 1
            assert "workers are live" in refused.stderr
            dev.process.send_signal(signal.SIGTERM)
            assert dev.process.wait(60) == 0, dev.text()


def test_killed_it_leaves_no_process(folder: Path) -> None:
    with running_dev(folder) as dev:
        started = descendants(dev.process.pid)
        dev.process.kill()
        assert_all_gone(started)


def test_a_process_that_crashed_is_started_again_one_that_ends_by_itself_ends_all(
    folder: Path,
) -> None:
    with running_dev(folder) as dev:
        wait_until(lambda: " serves " in dev.text(), "the first worker")
        crashed = dev.pid_of("worker")
        os.kill(crashed, signal.SIGSEGV)
        wait_until(lambda: dev.text().count(" serves ") >= 2, "another worker", 60)
        assert dev.pid_of("worker") != crashed
        said = f"worker (process {crashed}) was killed by SIGSEGV; it is started again in 1 s"
        assert said in dev.text()
        started = descendants(dev.process.pid)
        os.kill(dev.pid_of("relay"), signal.SIGTERM)
        assert dev.process.wait(60) == 1
        assert "onceflow dev: relay (process" in dev.text()
        assert_all_gone(started)


def test_a_taken_port_is_said_before_anything_starts(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        failed = call(folder, "dev", ONCEFLOW_PORT=port)
    assert failed.returncode == 2
    assert f"port {port} on 127.0.0.1 cannot be used" in failed.stderr
    assert "ONCEFLOW_PORT" in failed.stderr
    assert not (folder / ".onceflow" / "postgres").exists()
    assert not unprivileged.location(folder / ".onceflow" / "postgres").exists()


WITHOUT = {"ONCEFLOW_TRANSPORT": "postgres"}


def greeting(folder: Path) -> str:
    """Run an instance and return what it gave."""
    done = call(folder, "start", "greet", "--input", '{"name": "Ada"}', "--wait", "30", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["output"]


def test_pages_are_shown_and_ports_kept_over_a_restart(folder: Path) -> None:
    addresses: list[str] = []
    for _ in range(2):
        with running_dev(folder) as dev:
            pages = dev.said("Pages: +")
            assert pages == f"http://127.0.0.1:{dev.port}/"
            assert "<title>" in httpx2.get(pages).text
            addresses += [dev.said("Postgres: +"), dev.said("Kafka: +")]
            dev.process.send_signal(signal.SIGTERM)
            assert dev.process.wait(60) == 0, dev.text()
    assert addresses[:2] == addresses[2:]


def test_a_module_that_is_torn_is_told_of_and_tried_again_once_it_is_mended(folder: Path) -> None:
    (folder / "greet.yaml").write_text(GREET + "output: $.steps.greet.output\n")
    (folder / "greetings.py").write_text(TASKS.replace("(name: str)", "(name: str"))
    with running_dev(folder, "--deploy", "greet.yaml", **WITHOUT) as dev:
        assert "greetings.py:5: SyntaxError: " in dev.said("--import greetings: ")
        dev.said("the worker is started again once one of its modules has changed")
        (folder / "greetings.py").write_text(TASKS)
        dev.said("greetings.py changed: the worker starts anew")
        assert greeting(folder) == "hello Ada"


def test_modules_and_definitions_are_taken_anew_as_they_change(folder: Path) -> None:
    definition = folder / "greet.yaml"
    definition.write_text(GREET)
    (folder / "words.py").write_text('HELLO = "hello"\n')
    (folder / "greetings.py").write_text(
        TASKS.replace("from", "from words import HELLO\nfrom", 1).replace("hello ", "{HELLO} ")
    )
    with running_dev(folder, "--deploy", "greet.yaml", "--reload", **WITHOUT) as dev:
        dev.said("greet: registered as version 1")
        definition.write_text(GREET + "output: $.steps.greet.outptu\n")
        assert "'outptu'" in dev.said("greet.yaml: ")
        definition.write_text(GREET + "output: $.steps.greet.output\n")
        dev.said("greet: registered as version 2")
        assert greeting(folder) == "hello Ada"
        (folder / "words.py").write_text('HELLO = "good morning"\n')
        dev.said("words.py changed: the worker starts anew")
        wait_until(lambda: dev.text().count(" serves ") >= 2, "another worker", 60)
        assert greeting(folder) == "good morning Ada"
