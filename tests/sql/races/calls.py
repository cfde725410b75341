"""Calls to be run in a session: each returns what was answered."""

import uuid
from collections.abc import Callable

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Failure, Grant, Key

from ..play import (
    Connection,
    Play,
    Ticked,
    tick,
)

TOKEN = uuid.UUID("00000000-0000-4000-8000-000000000001")


def claiming(play: Play, *keys: Key, token: uuid.UUID = TOKEN) -> Callable[[Connection], list[str]]:
    """Return a claim, to be run in a session."""
    return lambda conn: [
        c.answer for c in calls.claim_tasks(conn, play.worker.id, token, 1, list(keys))
    ]


def completing(play: Play, *grants: Grant) -> Callable[[Connection], list[str]]:
    """Return a completion, to be run in a session."""
    items = [Completion(g.instance_id, g.task, g.fence, g.task) for g in grants]
    return lambda conn: [a.answer for a in calls.complete_tasks(conn, play.worker.id, items)]


def failing(play: Play, *grants: Grant) -> Callable[[Connection], list[str]]:
    """Return a failure for good, to be run in a session."""
    error = {"code": "x", "message": ""}
    items = [Failure(g.instance_id, g.task, g.fence, error, False) for g in grants]
    return lambda conn: [a.answer for a in calls.fail_tasks(conn, items)]


def cancelling(*ids: uuid.UUID) -> Callable[[Connection], list[str]]:
    """Return a cancel, to be run in a session."""
    return lambda conn: [d.outcome for d in calls.cancel_instances(conn, ids)]


def suspending(*ids: uuid.UUID) -> Callable[[Connection], list[str]]:
    """Return a suspend, to be run in a session."""
    return lambda conn: [d.outcome for d in calls.suspend_instances(conn, ids)]


def ticking(conn: Connection) -> Ticked:
    """Turn the clock."""
    return tick(conn)
