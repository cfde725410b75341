"""``onceflow demo`` as a person runs it: what it says, what it leaves, how it is stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from onceflow.engine.pool import connect
from onceflow.engine.settings import Settings
from onceflow.examples.invoice.servers import DATABASE

from ..fuzz.effort import AT_LENGTH
from ..servers import Servers
from ..support import descendants, is_running, wait_until

pytestmark = pytest.mark.timeout(300)

NO_SERVERS = {"ONCEFLOW_DSN": "", "ONCEFLOW_KAFKA": ""}


class Demo:
    """A running demo, with its output in a file; everything it starts is watched."""

    def __init__(self, folder: Path, env: dict[str, str], *options: str) -> None:
        self.folder = folder / "demo"
        self._output = folder / "output.txt"
        self.seen: set[int] = set()
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "onceflow", "demo", "--timeout=240", *options],
                env={**os.environ, **env, "ONCEFLOW_DATA": str(folder)},
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                # As at a prompt: what starts the tests in the background may ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    def look(self) -> bool:
        """Note which processes there are; tell whether the demo has ended."""
        self.seen |= descendants(self.process.pid)
        return self.process.poll() is not None

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        wait_until(self.look, "the demo's end", 270)
        return self.process.returncode

    def left(self) -> set[int]:
        """Return the processes that it left behind."""
        return {pid for pid in self.seen if is_running(pid)}


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    """The demos of a test; one that still runs at its end is stopped."""
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
            demo.process.wait(60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two demos, one after the other."""
    return tmp_path_factory.mktemp("demo")


def attached_pdf(mail: Path) -> str | None:
    message = message_from_bytes(mail.read_bytes(), _class=EmailMessage, policy=policy.default)
    (part,) = message.iter_attachments()
    return part.get_filename()


def test_the_demo_ends_well_and_leaves_its_results_alone(folder: Path, demos: list[Demo]) -> None:
    demo = Demo(folder, NO_SERVERS)
    demos.append(demo)
    assert demo.wait() == 0, demo.said
    assert demo.left() == set()
    assert demo.said.count("✓") == 13
    assert "started 91 instances" in demo.said
    assert "92 of 92 ended: 2 compensated, 90 succeeded" in demo.said
    assert "dead letter of BERGS:" in demo.said
    assert "dead letter of BERGS in batch-invoices:" in demo.said
    assert "(SIGKILL)" in demo.said
    for series in "NB":
        assert len(list((demo.folder / "pdf").glob(f"{series}-*.pdf"))) == 89
    assert len(list((demo.folder / "mail").glob("*.eml"))) == 2 * 89 + 1  # and the report


@AT_LENGTH
def test_a_second_demo_begins_anew_and_names_what_differs(folder: Path, demos: list[Demo]) -> None:
    # And without a broker: but for that one PDF it ends as the other does.
    demo = Demo(folder, NO_SERVERS | {"ONCEFLOW_TRANSPORT": "postgres"}, "--json")
    demos.append(demo)
    # Somebody takes a PDF away as soon as it was sent, while the demo goes on.
    mail = demo.folder / "mail"
    before = set(mail.glob("*.eml"))

    def first_sent() -> Path | None:
        assert not demo.look(), demo.said
        return next(iter(set(mail.glob("*.eml")) - before), None)

    name = attached_pdf(wait_until(first_sent, "the first e-mail", 200))
    (demo.folder / "pdf" / str(name)).unlink()
    assert demo.wait() == 1, demo.said
    assert demo.left() == set()
    summary = json.loads(demo.said)
    assert summary["ok"] is False
    faults = [fault for check in summary["checks"] for fault in check["faults"]]
    assert len(faults) == 2
    assert faults[0] == f"PDFs missing: {name}"
    assert f"its {name} differs from the file in the folder" in faults[1]


def test_ctrl_c_stops_everything(tmp_path: Path, demos: list[Demo]) -> None:
    demo = Demo(tmp_path, NO_SERVERS)
    demos.append(demo)
    wait_until(lambda: demo.look() or "started 91" in demo.said, "the instances", 120)
    assert demo.process.poll() is None, demo.said
    demo.process.send_signal(signal.SIGINT)
    assert demo.wait() == 130, demo.said
    assert demo.left() == set()
    assert demo.said.endswith("stopped\n")


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path, demos: list[Demo]) -> None:
    first = Demo(tmp_path, NO_SERVERS)
    demos.append(first)
    wait_until(lambda: first.look() or (first.folder / "mail").exists(), "the first demo", 60)
    second = subprocess.run(
        [sys.executable, "-P", "-m", "onceflow", "demo"],
        env={**os.environ, **NO_SERVERS, "ONCEFLOW_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "is in use by process" in second.stderr
    assert first.process.poll() is None
    first.process.send_signal(signal.SIGTERM)
    assert first.wait() == 130, first.said
    assert first.left() == set()


@AT_LENGTH
def test_servers_that_are_named_are_used_and_left_as_they_were(
    servers: Servers, tmp_path: Path, demos: list[Demo]
) -> None:
    demo = Demo(tmp_path, {"ONCEFLOW_DSN": servers.dsn, "ONCEFLOW_KAFKA": servers.kafka})
    demos.append(demo)
    assert demo.wait() == 0, demo.said
    assert not (demo.folder / "postgres").exists()
    with connect(Settings(dsn=servers.dsn), "test") as db:
        found = db.execute("select from pg_database where datname = %s", (DATABASE,)).fetchone()
        assert found is None
    admin = AdminClient({"bootstrap.servers": servers.kafka})
    topics = [t for t in admin.list_topics(timeout=10).topics if t.startswith("onceflow-demo-")]
    assert topics == []
