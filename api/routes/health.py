"""/health and /version: what probes and people ask first."""

import importlib.metadata
from typing import Final

import psycopg

from ..operation import Call, Nothing, Operation
from ..problems import unavailable
from ..reads.system import missing_handlers, missing_migrations
from ..schemas.system import Health, VersionAnswer

READY_TIMEOUT: Final = 3.0
"""Seconds that a readiness probe waits for a connection: less than probes usually wait for us."""


async def live(_: Call[Nothing, Nothing]) -> Health:
    """The process answers: it needs neither a thread nor Postgres for it."""
    return Health("ok")


def ready(call: Call[Nothing, Nothing]) -> Health:
    """Postgres answers and the schema is that of this release, or a newer one."""
    try:
        with call.context.database.connection(READY_TIMEOUT) as conn:
            missing = missing_migrations(conn)
            lacking = [] if missing else missing_handlers(conn)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        raise unavailable("The database has no schema yet: run `onceflow migrate`.") from None
    if missing:
        names = ", ".join(sorted(missing))
        raise unavailable(f"The schema lacks {names}: run `onceflow migrate`.")
    return Health("ok", [str(one) for one in lacking])


async def version(_: Call[Nothing, Nothing]) -> VersionAnswer:
    """Which release this is."""
    return VersionAnswer(importlib.metadata.version("onceflow"))


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/health/live",
        name="live",
        tag="health",
        summary="Does the process answer?",
        handler=live,
        answers={200: Health},
    ),
    Operation(
        method="GET",
        path="/health/ready",
        name="ready",
        tag="health",
        summary="Does Postgres answer, with a current schema?",
        handler=ready,
        answers={200: Health},
    ),
    Operation(
        method="GET",
        path="/version",
        name="version",
        tag="health",
        summary="Which release is this?",
        handler=version,
        answers={200: VersionAnswer},
    ),
]
