"""Our own services of compose.yaml, run by hand in its order on the test servers, and used."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.process import Process
from onceflow.engine.settings import Settings

from ..servers import Database
from ..support import wait_until
from .test_compose_file import JOBS, ROOT, SERVICES


class Deployment:
    """Runs services as their containers would be, with other addresses and folders."""

    def __init__(self, settings: Settings, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._prefix = settings.prefix
        self.port = free_port()
        smtp, shop = str(free_port()), str(free_port())
        self.shop = f"http://127.0.0.1:{shop}"
        self._instead = {
            "postgresql://onceflow:onceflow@postgres:5432/onceflow": settings.dsn,
            "redpanda:9092": settings.kafka,
            "mail-catcher:8025": f"127.0.0.1:{smtp}",
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - the other way about: to loopback alone
            "8025": smtp,
            "8081": shop,
            "3000": str(self.port),
            "/var/lib/onceflow": str(folder),
            "/opt/onceflow/healthcheck.py": str(ROOT / "deploy" / "healthcheck.py"),
            "/workflows/": f"{ROOT}/examples/invoice/",
        }

    def start(self, name: str) -> None:
        """Run a job to its end; start any other service and wait until it is healthy."""
        service = SERVICES[name]
        log = self._folder / f"{name}.log"
        with log.open("wb") as output:
            process = Process(
                name, self._argv(service["command"]), env=self._env(service), output=output
            )
        self._stack.callback(process.stop)
        try:
            if name in JOBS:
                assert process.wait(60) == 0
            else:
                wait_until(lambda: self._is_healthy(process, service), f"{name} to be healthy", 60)
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"{name}: {error}\n{log.read_text()}") from error

    def _is_healthy(self, process: Process, service: dict[str, Any]) -> bool:
        assert process.poll() is None, process.describe_end()
        check = service["healthcheck"]["test"]
        assert check[0] == "CMD"
        done = subprocess.run(
            self._argv(check[1:]), env=self._env(service), check=False, capture_output=True
        )
        return done.returncode == 0

    def _argv(self, command: list[str]) -> list[str]:
        programs = {
            "python": [sys.executable, "-P"],
            "onceflow": [str(Path(sys.executable).with_name("onceflow"))],
        }
        return [*programs[command[0]], *map(self._here, command[1:])]

    def _env(self, service: dict[str, Any]) -> dict[str, str]:
        given = {k: self._here(v) for k, v in service.get("environment", {}).items()}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ONCEFLOW_")}
        return {**kept, **given, "ONCEFLOW_PREFIX": self._prefix}

    def _here(self, text: str) -> str:
        """Replace addresses and folders, in one pass: a port may look like another's.

        A variable with a default has its default, as in a shell that sets none.
        """
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
        pattern = "|".join(map(re.escape, self._instead))
        return re.sub(pattern, lambda found: self._instead[found.group()], text)


def in_order() -> list[str]:
    """Return our services so that each comes after those that it depends on."""
    ordered: list[str] = []
    left = {name: s for name, s in SERVICES.items() if s["image"] == "onceflow"}
    while left:
        ready = [n for n, s in left.items() if not left.keys() & s.get("depends_on", {}).keys()]
        assert ready, f"these wait for one another: {sorted(left)}"
        ordered += ready
        for name in ready:
            del left[name]
    return ordered


@pytest.fixture
def deployment(empty_database: Database, kafka: str, tmp_path: Path) -> Iterator[Deployment]:
    prefix = empty_database.name.replace("_", "-")
    settings = Settings(dsn=empty_database.dsn, kafka=kafka, prefix=prefix)
    with ExitStack() as stack:
        yield Deployment(settings, tmp_path, stack)


@pytest.mark.timeout(180)
def test_the_services_start_in_order_and_send_an_invoice(
    deployment: Deployment, tmp_path: Path
) -> None:
    for name in in_order():
        deployment.start(name)
    answer = httpx2.post(
        f"http://127.0.0.1:{deployment.port}/workflows/order-invoice/start?wait=60",
        json={
            "input": {
                "shop": deployment.shop,
                "customer": "ALFKI",
                "email": "alfki@northwind.example",
            }
        },
        timeout=90,
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "SUCCEEDED", answer.text
    (mail,) = (tmp_path / "mail").glob("*.eml")
    assert b"To: alfki@northwind.example" in mail.read_bytes()
    (pdf,) = (tmp_path / "pdf").glob("*.pdf")
    assert pdf.read_bytes().startswith(b"%PDF")
