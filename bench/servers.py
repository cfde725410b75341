"""The Postgres and the broker of a run: durable, and the same for everybody who is measured."""

import logging
import os
import secrets
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from onceflow.engine.dev.broker import EmbeddedBroker
from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.settings import Settings, load_settings

from .processes import listener, parent_of

log = logging.getLogger("bench")

# What a server of its own of this size is given; durability is Postgres's default, and said aloud.
POSTGRES: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "wal_buffers": "64MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "512MB",
    "random_page_cost": "1.1",
    "max_connections": "400",
}
TOLD = ("server_version", "wal_sync_method", "autovacuum", *POSTGRES)


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of one run.

    ``dsn``        a superuser's, or one who may create databases
    ``kafka``      bootstrap servers
    ``embedded``   whether the broker is the embedded one, on which figures are not to be quoted
    ``postgres``, ``broker``  their processes, where they run on this machine
    """

    dsn: str
    kafka: str
    embedded: bool
    postgres: list[int]
    broker: list[int]

    def describe(self) -> dict[str, str]:
        """Return Postgres's settings that matter, and which broker it is."""
        with psycopg.connect(self.dsn) as conn:
            rows = conn.execute(
                "select name, pg_catalog.current_setting(name) from pg_catalog.pg_settings"
                " where name = any (%s)",
                (list(TOLD),),
            ).fetchall()
        found = {str(name): str(value) for name, value in rows}
        broker = "embedded (figures are not to be quoted)" if self.embedded else self.kafka
        return {name: found[name] for name in TOLD if name in found} | {"broker": broker}

    @contextmanager
    def database(self, dsn: str = "") -> Generator[str]:
        """Provide the dsn of a new, empty database, dropped at the end; or the one given, kept."""
        if dsn:
            yield dsn
            return
        name = f"bench_{secrets.token_hex(4)}"
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            # So that one measurement does not pay for the pages that another one left dirty.
            conn.execute("checkpoint")
        try:
            yield make_conninfo(self.dsn, dbname=name)
        finally:
            with psycopg.connect(self.dsn, autocommit=True) as conn:
                drop = sql.SQL("drop database if exists {} with (force)")
                conn.execute(drop.format(sql.Identifier(name)))


@contextmanager
def running(data: Path | None = None) -> Generator[Servers]:
    """Provide the servers that ONCEFLOW_DSN and ONCEFLOW_KAFKA name, else embedded ones.

    ``data`` is a data directory that is kept; without it the embedded Postgres begins anew.
    """
    settings = load_settings()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onceflow-bench-")))
        folder.chmod(0o755)  # where we are root, Postgres runs as another user
        dsn, kafka = settings.dsn, settings.kafka
        if not dsn:
            server = EmbeddedPostgres(data or folder / "postgres", settings=POSTGRES)
            if data is None:
                stack.callback(server.remove_data)
            dsn = stack.enter_context(server).dsn
        if not kafka:
            kafka = stack.enter_context(EmbeddedBroker(folder / "broker.log")).bootstrap
        yield Servers(dsn, kafka, not settings.kafka, _postmaster(dsn), _broker(kafka))


def _postmaster(dsn: str) -> list[int]:
    host = conninfo_to_dict(dsn).get("host") or "localhost"
    if host not in ("localhost", "127.0.0.1", "::1") and not str(host).startswith("/"):
        return []
    with psycopg.connect(dsn) as conn:
        pid = parent_of(conn.info.backend_pid, "postgres")
    return [pid] if pid else []


def _broker(kafka: str) -> list[int]:
    pids: list[int] = []
    for server in kafka.split(","):
        host, _, port = server.strip().rpartition(":")
        pid = listener(host, int(port))
        pids += [pid] if pid else []
    return pids


def as_url(dsn: str) -> str:
    """Return a connection string as a URL, which other programs take rather than key=value."""
    known = conninfo_to_dict(dsn)
    user, password = (quote(str(known.get(name) or ""), "") for name in ("user", "password"))
    place = f"{known.get('host') or 'localhost'}:{known.get('port') or 5432}"
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    return f"postgresql://{login}{place}/{known.get('dbname') or ''}"


def delete_topics(settings: Settings) -> None:
    """Delete all topics of the settings' prefix; a broker that refuses keeps them."""
    admin: Any = AdminClient({**settings.kafka_config(), "log_level": "0"})
    try:
        found = admin.list_topics(timeout=10).topics
        ours = [topic for topic in found if topic.startswith(f"{settings.prefix}.")]
        for future in admin.delete_topics(ours, operation_timeout=10).values() if ours else ():
            future.result(timeout=20)
    except KafkaException as error:
        log.warning("the topics %s.* were not deleted: %s", settings.prefix, error)


def load_average() -> float:
    """Return how many processes wanted a CPU over the last minute."""
    return os.getloadavg()[0]
