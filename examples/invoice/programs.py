"""The processes of the demo: those of Onceflow, the shop and the mail catcher."""

import sys
from dataclasses import replace
from pathlib import Path

from ...engine.dev.postgres import free_port
from ...engine.dev.supervisor import Supervisor
from . import plan
from .tasks import PDF_FOLDER

EXAMPLE = __name__.rpartition(".")[0]
WORKERS = ("demo-worker-1", "demo-worker-2", "demo-worker-3")
"""One more than may be killed: there are two runs, and each kills one, or both the same."""


class Programs:
    """All processes of the demo under one supervisor.

    ``api`` is the URL that it serves, ``shops`` are those of the shops, by name.
    """

    def __init__(self, supervisor: Supervisor, folder: Path) -> None:
        """Take the supervisor, whose settings name the servers, and the folder of the world."""
        # Not 3000, even where that is free now: whoever takes it before our api does would be
        # mistaken for it.
        port = free_port()
        supervisor.settings = replace(supervisor.settings, host="127.0.0.1", port=port)
        self._supervisor = supervisor
        self._folder = folder
        self._shop_ports = {run.shop: free_port() for run in plan.RUNS}
        self._smtp_port = free_port()
        self.api = f"http://127.0.0.1:{port}"
        self.shops = {name: f"http://127.0.0.1:{port}" for name, port in self._shop_ports.items()}

    def start(self) -> None:
        """Start all processes; they wait for one another."""
        for name, port in self._shop_ports.items():
            self._start(
                name,
                "shop",
                f"--port={port}",
                f"--ledger={self._folder / f'{name}.jsonl'}",
                f"--unavailable={plan.UNAVAILABLE}",
            )
        self._start(
            "mail_catcher",
            "mail_catcher",
            f"--port={self._smtp_port}",
            f"--mailbox={self._folder / 'mail'}",
            f"--reject={plan.email_of(plan.MOVED)}",
            f"--withhold={plan.email_of(plan.WITHHELD)}",
        )
        self._supervisor.start_onceflow("relay", "relay")
        self._supervisor.start_onceflow("api", "api")
        for name in WORKERS:
            self._supervisor.start_onceflow(
                name,
                "worker",
                f"--name={name}",
                "--import=onceflow.worker.integrations",
                f"--import={EXAMPLE}.tasks",
                env={
                    PDF_FOLDER: str(self._folder / "pdf"),
                    "ONCEFLOW_SMTP": f"127.0.0.1:{self._smtp_port}",
                },
            )

    def kill(self, name: str) -> None:
        """End one process as a crash would, with SIGKILL, and wait for its end."""
        self._supervisor.kill(name)

    def check(self) -> None:
        """Raise ChildEnded where a process has ended that nobody stopped."""
        self._supervisor.check()

    def _start(self, name: str, module: str, *arguments: str) -> None:
        argv = [sys.executable, "-P", "-m", f"{EXAMPLE}.{module}", *arguments]
        self._supervisor.start(name, argv)
