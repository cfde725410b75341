"""The Postgres and the broker that the demo runs on: embedded ones, or those that are named.

On servers that are named, the demo has a database and a topic prefix of its own, and takes both
away again.
"""

import logging
import secrets
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ...engine.embedded.broker import EmbeddedBroker
from ...engine.embedded.postgres import EmbeddedPostgres
from ...engine.pool import place_of
from ...engine.settings import Settings

log = logging.getLogger("onceflow.demo")

DATABASE = "onceflow_demo"


@contextmanager
def running_servers(settings: Settings, folder: Path) -> Generator[Settings]:
    """Provide both servers, and give the settings with which to reach them.

    Raises ServerError where an embedded one does not start, psycopg.Error where a named one
    refuses.
    """
    with ExitStack() as stack:
        if settings.dsn:
            dsn = stack.enter_context(_own_database(settings.dsn))
        else:
            # The data of the last demo go first: this one begins with an empty world.
            server = EmbeddedPostgres(folder / "postgres")
            server.remove_data()
            dsn = stack.enter_context(server).dsn
        if settings.kafka:
            prefix = f"onceflow-demo-{secrets.token_hex(4)}"
            settings = replace(settings, dsn=dsn, prefix=prefix)
            stack.callback(_delete_topics, settings)
        else:
            broker = stack.enter_context(EmbeddedBroker(folder / "logs" / "broker.log"))
            settings = replace(settings, dsn=dsn, kafka=broker.bootstrap, kafka_options={})
        yield settings


@contextmanager
def _own_database(dsn: str) -> Generator[str]:
    name = sql.Identifier(DATABASE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))
        connection.execute(sql.SQL("create database {}").format(name))
        log.info("using the database %s on %s", DATABASE, place_of(dsn))
        try:
            yield make_conninfo(dsn, dbname=DATABASE)
        finally:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))


def _delete_topics(settings: Settings) -> None:
    """Delete the topics of this demo; a broker that refuses keeps them, and that is said."""
    admin: Any = AdminClient({**settings.kafka_config()})
    try:
        topics = [
            topic
            for topic in admin.list_topics(timeout=10).topics
            if topic.startswith(f"{settings.prefix}.")
        ]
        if topics:
            for future in admin.delete_topics(topics, operation_timeout=10).values():
                future.result(timeout=20)
    except KafkaException as error:
        log.warning("the topics %s.* were not deleted: %s", settings.prefix, error)
