"""Our own services of compose.yaml, run by hand in its order on the test servers, and used."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from onceflow.engine.dev.postgres import EmbeddedPostgres, free_port
from onceflow.engine.dev.process import Process
from onceflow.engine.settings import load_settings

from ..support import wait_until
from .test_compose_file import JOBS, ODD, ROOT, SERVICES, filled


class Deployment:
    """Runs services as their containers would be, with other addresses and folders."""

    def __init__(
        self, server: EmbeddedPostgres, kafka: str, prefix: str, folder: Path, stack: ExitStack
    ) -> None:
        self._server = server
        self._folder = folder
        self._stack = stack
        self._prefix = prefix
        self.superuser_dsn = server.dsn
        self.port = free_port()
        smtp, shop = str(free_port()), str(free_port())
        self.shop = f"http://127.0.0.1:{shop}"
        self._instead = {
            "host=postgres ": f"host=127.0.0.1 port={server.port} ",
            "redpanda:9092": kafka,
            "mail-catcher:8025": f"127.0.0.1:{smtp}",
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - the other way about: to loopback alone
            "8025": smtp,
            "8081": shop,
            "3000": str(self.port),
            "/var/lib/onceflow": str(folder),
            "/opt/onceflow/healthcheck.py": str(ROOT / "deploy" / "healthcheck.py"),
            "/workflows/": f"{ROOT}/examples/invoice/",
        }

    def make_data(self) -> None:
        """Do as the image of Postgres does once its data are made: run what is mounted for that."""
        service = SERVICES["postgres"]
        psql = [str(self._server.binaries / "psql"), "-v", "ON_ERROR_STOP=1", self._server.dsn]
        for mount in service["volumes"]:
            source, target = mount.split(":")[:2]
            if target.startswith("/docker-entrypoint-initdb.d/"):
                argv = [*psql, "-f", str(ROOT / source)]
                done = subprocess.run(
                    argv, env=self._env(service), check=False, capture_output=True, text=True
                )
                assert done.returncode == 0, done.stderr

    def dsn_of(self, name: str) -> str:
        """Return how a service logs in to Postgres."""
        return load_settings(self._env(SERVICES[name])).dsn

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
        if "ONCEFLOW_METRICS_PORT" in given:  # each container has its own, and here is one machine
            given["ONCEFLOW_METRICS_PORT"] = str(free_port())
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ONCEFLOW_")}
        return {**kept, **given, "ONCEFLOW_PREFIX": self._prefix}

    def _here(self, text: str) -> str:
        """Replace addresses and folders, in one pass: a port may look like another's."""
        if "_PASSWORD" in text:
            return filled(text, ODD)
        text = filled(text)
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
def deployment(own_postgres: EmbeddedPostgres, kafka: str, tmp_path: Path) -> Iterator[Deployment]:
    prefix = f"compose-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        yield Deployment(own_postgres, kafka, prefix, tmp_path, stack)


RIGHTS = """
    select session_user, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls,
        has_database_privilege(current_database(), 'temporary'),
        has_database_privilege(current_database(), 'create'),
        has_schema_privilege('public', 'create'), current_setting('statement_timeout')
      from pg_roles where rolname = session_user"""


def assert_least_rights(deployment: Deployment) -> None:
    """Each process is a role of its own with no more than it needs; nobody is a superuser."""
    for process in ("api", "relay", "worker"):
        with psycopg.connect(deployment.dsn_of(process)) as conn:
            row = conn.execute(RIGHTS).fetchone()
            assert row == (f"onceflow_{process}", False, False, False, False, "30s")
            for forbidden in ("select from onceflow.task", "set role onceflow_owner"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                    conn.execute(forbidden.encode())
    with psycopg.connect(deployment.dsn_of("migrate")) as conn:
        assert conn.execute(RIGHTS).fetchone() == ("onceflow_owner", False, True, True, True, "0")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(deployment.superuser_dsn)


@pytest.mark.timeout(180)
def test_the_services_start_in_order_and_send_an_invoice(
    deployment: Deployment, tmp_path: Path
) -> None:
    deployment.make_data()
    for name in in_order():
        deployment.start(name)
    assert_least_rights(deployment)
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
