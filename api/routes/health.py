"""/health and /version: what probes and people ask first."""

import importlib.metadata
from typing import Final

import psycopg

from ...engine.secrets import Secrets
from ..accounts.visitor import STRANGER, current
from ..database import Connection
from ..hooks.secrets import missing_hook_secrets
from ..operation import Call, Nothing, Operation
from ..problems import unavailable
from ..reads.system import (
    idle_workers,
    missing_handlers,
    missing_migrations,
    missing_secrets,
    read_heartbeat,
)
from ..reads.triggers import stalled_triggers
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
            told = not missing and current() is not STRANGER
            warnings = _warnings(conn, call.context.secrets) if told else []
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        raise unavailable("The database has no schema yet: run `onceflow migrate`.") from None
    if missing:
        names = ", ".join(sorted(missing))
        raise unavailable(f"The schema lacks {names}: run `onceflow migrate`.")
    return Health("ok", warnings)


def _warnings(conn: Connection, secrets: Secrets) -> list[str]:
    """Say what keeps tasks waiting, or triggers from starting, though this process is well."""
    heartbeat = read_heartbeat(conn)
    silent = [] if heartbeat.turns else [str(heartbeat)]
    lacking = [*missing_handlers(conn), *missing_secrets(conn), *idle_workers(conn)]
    lacking += [*missing_hook_secrets(conn, secrets), *stalled_triggers(conn)]
    return silent + [str(one) for one in lacking]


async def version(_: Call[Nothing, Nothing]) -> VersionAnswer:
    """Which release this is."""
    return VersionAnswer(importlib.metadata.version("onceflow"))


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/health/live",
        name="live",
        role=None,
        tag="health",
        summary="Does the process answer?",
        handler=live,
        answers={200: Health},
    ),
    Operation(
        method="GET",
        path="/health/ready",
        name="ready",
        greets=True,
        role=None,
        tag="health",
        summary="Does Postgres answer, with a current schema?",
        description="Its warnings name queues, workflows and secrets: where there are accounts, "
        "whoever has none is told none.",
        handler=ready,
        answers={200: Health},
    ),
    Operation(
        method="GET",
        path="/version",
        name="version",
        role=None,
        tag="health",
        summary="Which release is this?",
        handler=version,
        answers={200: VersionAnswer},
    ),
]
