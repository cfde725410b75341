"""The Postgres and the broker of the demo, where the settings name none: embedded ones.

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
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ...engine.dev.postgres import EmbeddedPostgres
from ...engine.dev.supervisor import Supervisor
from ...engine.settings import Settings

log = logging.getLogger("onceflow.demo")

DATABASE = "onceflow_demo"


@contextmanager
def supervised(settings: Settings, folder: Path) -> Generator[Supervisor]:
    """Provide both servers and a supervisor whose settings name them; stop all at the end.

    Raises ServerError where an embedded one does not start, psycopg.Error where a named one
    refuses.
    """
    with ExitStack() as stack:
        if settings.dsn:
            settings = replace(settings, dsn=stack.enter_context(_own_database(settings.dsn)))
        else:
            # The data of the last demo go first: this one begins with an empty world.
            EmbeddedPostgres(folder / "postgres").remove_data()
        if settings.kafka and settings.transport == "kafka":
            settings = replace(settings, prefix=f"onceflow-demo-{secrets.token_hex(4)}")
            stack.callback(_delete_topics, settings)
        supervisor = Supervisor(replace(settings, data=folder), logs=folder / "logs")
        stack.enter_context(supervisor)
        supervisor.start_servers()
        yield supervisor


@contextmanager
def _own_database(dsn: str) -> Generator[str]:
    name = sql.Identifier(DATABASE)
    drop = sql.SQL("drop database if exists {} with (force)").format(name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("create database {}").format(name))
    try:
        yield make_conninfo(dsn, dbname=DATABASE)
    finally:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(drop)


def _delete_topics(settings: Settings) -> None:
    """Delete the topics of this demo; a broker that refuses keeps them, and that is said."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

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
