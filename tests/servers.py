"""The servers that tests run on: one Postgres and one broker for a whole test session.

They are those named by ONCEFLOW_TEST_DSN and ONCEFLOW_TEST_KAFKA; else containers, where a Docker
engine answers; else the embedded ones. With xdist they belong to the controlling process, and its
workers are told where they are.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import psycopg.conninfo
from psycopg import sql

from onceflow.engine.dev.broker import GROUP_OPTIONS, EmbeddedBroker
from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

POSTGRES_IMAGE = "postgres:18"
REDPANDA_IMAGE = "redpandadata/redpanda:v25.2.7"


@dataclass(frozen=True, slots=True)
class Servers:
    """``dsn``: a superuser's; ``token``: what the names of this session's databases begin with;
    ``kafka_options``: what members of groups tell the broker, unless a test is about that.
    """

    dsn: str
    kafka: str
    token: str
    kafka_options: Mapping[str, str] = field(default_factory=dict[str, str])

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def start_servers(stack: ExitStack) -> Servers:
    """Start what is not named by a variable; ``stack`` stops it."""
    dsn = os.environ.get("ONCEFLOW_TEST_DSN", "")
    kafka = os.environ.get("ONCEFLOW_TEST_KAFKA", "")
    options: dict[str, str] = {}
    docker = not (dsn and kafka) and docker_answers()
    token = f"t{secrets.token_hex(3)}"
    if not dsn:
        dsn = start_postgres_container(stack) if docker else start_postgres(stack).dsn
    if not kafka:
        kafka = start_redpanda(stack) if docker else start_broker(stack).bootstrap
        options = {} if docker else GROUP_OPTIONS
    servers = Servers(dsn, kafka, token, options)
    stack.callback(drop_template, servers)
    return servers


def start_postgres(stack: ExitStack) -> EmbeddedPostgres:
    """Start an embedded Postgres on new data; ``stack`` stops it and removes the data.

    It does not sync to disk: what tests crash is Postgres, not the machine.
    """
    folder = Path(tempfile.mkdtemp(prefix="onceflow-test-", dir=fast_folder()))
    folder.chmod(0o755)  # as root the server is another user, who must pass through
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    postgres = EmbeddedPostgres(folder / "postgres", fsync=False)
    stack.callback(postgres.remove_data)
    return postgres.start()


def fast_folder() -> str | None:
    """Return a folder in memory, where there is one with room; None: the usual one.

    Each test's database is made and dropped, hundreds of files: on ext4 that is half of the suite.
    """
    memory = Path("/dev/shm")  # noqa: S108 - what is made in it has a name of its own
    try:
        roomy = shutil.disk_usage(memory).free >= 6 << 30
    except OSError:
        return None
    return str(memory) if roomy and os.access(memory, os.W_OK) else None


def start_broker(stack: ExitStack) -> EmbeddedBroker:
    """Start an embedded broker; ``stack`` stops it."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onceflow-test-")))
    return stack.enter_context(EmbeddedBroker(folder / "broker.log"))


def docker_answers() -> bool:
    """Tell whether there is a Docker engine to start containers with."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def start_postgres_container(stack: ExitStack) -> str:
    """Start Postgres in a container and return a superuser's dsn."""
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES_IMAGE, driver=None).with_command(
        "postgres -c fsync=off -c max_connections=200"
        " -c shared_preload_libraries=pg_stat_statements"
    )
    return stack.enter_context(container).get_connection_url()


def start_redpanda(stack: ExitStack) -> str:
    """Start Redpanda in a container and return its bootstrap server."""
    from testcontainers.community.kafka import RedpandaContainer

    container = stack.enter_context(RedpandaContainer(REDPANDA_IMAGE))
    return container.get_bootstrap_server()


# Databases -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Database:
    """A database that one test has to itself."""

    name: str
    dsn: str

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Open a connection, in autocommit unless ``options`` say otherwise."""
        return psycopg.connect(self.dsn, **dict[str, Any](autocommit=True) | options)


def create_database(servers: Servers, *, migrated: bool) -> Database:
    """Make a new database: empty, or with the schema of this release."""
    name = f"{servers.token}_{secrets.token_hex(6)}"
    template = sql.Identifier(ensure_template(servers) if migrated else "template0")
    with psycopg.connect(servers.dsn, autocommit=True) as conn:
        statement = "create database {} template {} strategy file_copy"
        conn.execute(sql.SQL(statement).format(sql.Identifier(name), template))
    return Database(name, psycopg.conninfo.make_conninfo(servers.dsn, dbname=name))


def drop_database(servers: Servers, name: str) -> None:
    """Drop a database, ending what is still connected to it."""
    with psycopg.connect(servers.dsn, autocommit=True) as conn:
        statement = "drop database if exists {} with (force)"
        conn.execute(sql.SQL(statement).format(sql.Identifier(name)))


def ensure_template(servers: Servers) -> str:
    """Make the migrated template of this session, unless it is there, and return its name."""
    name = f"{servers.token}_template"
    with psycopg.connect(servers.dsn, autocommit=True) as conn:
        # xdist's workers come here side by side.
        conn.execute("select pg_advisory_lock(hashtext(%s))", (name,))
        if not conn.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            half = sql.Identifier(f"{name}_half")
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(half))
            conn.execute(
                sql.SQL("create database {} template template0 strategy file_copy").format(half)
            )
            dsn = psycopg.conninfo.make_conninfo(servers.dsn, dbname=f"{name}_half")
            migrate(Settings(dsn=dsn))
            conn.execute(
                sql.SQL("alter database {} rename to {}").format(half, sql.Identifier(name))
            )
    return name


def drop_template(servers: Servers) -> None:
    """Drop the session's template: a server that outlives us is not ours to litter."""
    drop_database(servers, f"{servers.token}_template")
    drop_database(servers, f"{servers.token}_template_half")
