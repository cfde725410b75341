"""Workers, queues, the outbox, quarantine, and whether the schema is there."""

from datetime import datetime
from functools import cache
from typing import Any, Final, LiteralString
from uuid import UUID

from ...engine.migrations.applied import known_migrations
from ..database import Connection, Database, rows
from ..schemas.system import (
    Backlog,
    BacklogList,
    Heartbeat,
    IdleWorker,
    MissingHandler,
    MissingSecret,
    Quarantined,
    QuarantinePage,
    Queue,
    QueueList,
    Worker,
    WorkerPage,
    WorkersQuery,
)
from ..schemas.workflows import PageQuery
from .paging import cut, read_cursor

WORKER: Final[LiteralString] = (
    "select id, name, queues, tasks, state, lease_until, running, stats, registered_at"
    " from onceflow.workers"
)

QUEUES: Final[LiteralString] = (
    "select name, queued, live_workers, paused_at from onceflow.queues order by name"
)
MISSING_HANDLERS: Final[LiteralString] = (
    "select handler, queue, waiting from onceflow.missing_handlers order by since"
)
MISSING_SECRETS: Final[LiteralString] = (
    "select secret, queue, waiting from onceflow.missing_secrets order by since"
)
IDLE_WORKERS: Final[LiteralString] = (
    "select name, without_partitions from onceflow.workers where without_partitions is not null"
    " order by name, id limit 20"
)
BACKLOG: Final[LiteralString] = (
    "select kind, topic, rows, oldest_at, deferred, last_error"
    " from onceflow.outbox_backlog order by kind, topic"
)


def list_workers(database: Database, query: WorkersQuery) -> WorkerPage:
    """Return workers, the youngest first."""
    before = read_cursor(query.cursor, tuple[datetime, UUID])
    where: list[LiteralString] = ["true"]
    parameters: dict[str, Any] = {"limit": query.limit + 1}
    if query.state:
        where.append("state = %(state)s")
        parameters["state"] = query.state
    if before:
        where.append("(registered_at, id) < (%(before)s, %(before_id)s)")
        parameters["before"], parameters["before_id"] = before
    matching: LiteralString = " and ".join(where)
    text: LiteralString = (
        f"{WORKER} where {matching} order by registered_at desc, id desc limit %(limit)s"
    )
    found = database.rows(Worker, text, parameters)
    items, following = cut(found, query.limit, lambda row: (row.registered_at, row.id))
    return WorkerPage(items, following)


def list_queues(database: Database) -> QueueList:
    """Return all queues: as many as definitions and workers name, so few."""
    return QueueList(database.rows(Queue, QUEUES))


def read_outbox(database: Database) -> BacklogList:
    """Return what waits to be shipped."""
    return BacklogList(database.rows(Backlog, BACKLOG))


def list_quarantined(database: Database, page: PageQuery) -> QuarantinePage:
    """Return what is in quarantine, the youngest first."""
    before = read_cursor(page.cursor, tuple[int])
    found = database.rows(
        Quarantined,
        'select cell, id, source, topic, partition, "offset", reason, at,'
        # escape gives every byte a text; a message is mostly text already.
        " pg_catalog.encode(pg_catalog.substr(payload, 1, 4096), 'escape') as payload"
        " from onceflow.quarantined where id < %(before)s order by id desc limit %(limit)s",
        {"before": before[0] if before else 2**63 - 1, "limit": page.limit + 1},
    )
    items, following = cut(found, page.limit, lambda row: (row.id,))
    return QuarantinePage(items, following)


def missing_handlers(conn: Connection) -> list[MissingHandler]:
    """Return the tasks that wait for a handler which no live worker has."""
    return rows(conn, MissingHandler, MISSING_HANDLERS)


def missing_secrets(conn: Connection) -> list[MissingSecret]:
    """Return the secrets that tasks wait for."""
    return rows(conn, MissingSecret, MISSING_SECRETS)


def clock_heartbeat(database: Database) -> Heartbeat:
    """Return the heartbeat of the clock."""
    with database.connection() as conn:
        return read_heartbeat(conn)


def read_heartbeat(conn: Connection) -> Heartbeat:
    """Return when the clock was last turned, in UTC, and by whom."""
    (found,) = rows(conn, Heartbeat, "select turns, turned_at, turned_by from onceflow.heartbeat")
    return found


def idle_workers(conn: Connection) -> list[IdleWorker]:
    """Return workers that have had no partition for longer than a lease: of very many the first."""
    return rows(conn, IdleWorker, IDLE_WORKERS)


@cache
def _known_migrations() -> frozenset[str]:
    return known_migrations()


def missing_migrations(conn: Connection) -> set[str]:
    """Return the migrations of this release that the database lacks.

    Raises psycopg.errors.UndefinedTable where it was never migrated.
    """
    applied = conn.execute("select migration from onceflow_migrations.content")
    return set(_known_migrations() - {name for (name,) in applied})
