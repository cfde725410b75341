"""The processes of the demo: those of Onceflow, the shop and the mail catcher."""

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...engine.embedded.postgres import free_port
from ...engine.process import Process
from ...engine.settings import Settings
from . import plan
from .tasks import PDF_FOLDER

WORKERS = ("demo-worker-1", "demo-worker-2")


class ProgramEnded(Exception):
    """A process that ought to run has ended; the message has the end of its log."""


class Programs:
    """All processes of the demo, each with a log in ``folder/logs``.

    ``api`` and ``shop`` are the URLs that they serve. Use it as a context manager: it stops all.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        """Take the servers to work on and the folder of the world. Starts nothing."""
        self._folder = folder
        self._running: dict[str, Process] = {}
        self._shop_port = free_port()
        self._smtp_port = free_port()
        port = settings.port if _is_free(settings.port) else free_port()
        self._settings = replace(settings, host="127.0.0.1", port=port)
        self.api = f"http://127.0.0.1:{port}"
        self.shop = f"http://127.0.0.1:{self._shop_port}"

    def __enter__(self) -> "Programs":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all processes; they wait for one another."""
        example = "onceflow.examples.invoice"
        self._start(
            "shop",
            f"{example}.shop",
            f"--port={self._shop_port}",
            f"--ledger={self._folder / 'shop.jsonl'}",
            f"--unavailable={plan.UNAVAILABLE}",
        )
        self._start(
            "mail-catcher",
            f"{example}.mail_catcher",
            f"--port={self._smtp_port}",
            f"--mailbox={self._folder / 'mail'}",
            f"--reject={plan.email_of(plan.MOVED)}",
            f"--withhold={plan.email_of(plan.WITHHELD)}",
        )
        self._onceflow("relay", "relay")
        self._onceflow("api", "api")
        for name in WORKERS:
            self._onceflow(
                name,
                "worker",
                f"--name={name}",
                "--import=onceflow.worker.integrations",
                f"--import={example}.tasks",
            )

    def kill(self, name: str) -> None:
        """End one process as a crash would, with SIGKILL, and wait for its end."""
        process = self._running.pop(name)
        process.signal("KILL")
        process.wait(30)

    def check(self) -> None:
        """Raise ProgramEnded where a process has ended that nobody stopped."""
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self._log(name)
                lines = log.read_text(errors="replace").splitlines()[-15:]
                raise ProgramEnded(
                    "\n".join([f"{name} {process.describe_end()}; {log} says:", *lines])
                )

    def stop(self) -> None:
        """Stop all that still runs: all are asked at once, then each is waited for."""
        for process in self._running.values():
            process.signal("TERM")
        for process in self._running.values():
            process.stop(grace=10)
        self._running.clear()

    def _onceflow(self, name: str, *arguments: str) -> None:
        self._start(name, "onceflow.engine.cli", *arguments)

    def _start(self, name: str, module: str, *arguments: str) -> None:
        env = {
            **os.environ,
            **self._settings.environment(),
            PDF_FOLDER: str(self._folder / "pdf"),
            "ONCEFLOW_SMTP": f"127.0.0.1:{self._smtp_port}",
            "PYTHONUNBUFFERED": "1",
        }
        argv: Sequence[str] = [sys.executable, "-m", module, *arguments]
        with self._log(name).open("ab") as output:
            self._running[name] = Process(name, argv, env=env, output=output, orphan_signal="TERM")

    def _log(self, name: str) -> Path:
        return self._folder / "logs" / f"{name}.log"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return port != 0
