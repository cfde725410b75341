"""Calls of a worker about itself: its registration and its lease."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, LiteralString
from uuid import UUID, uuid4

from ..json_text import Json
from .base import Connection, Key, fetch, fetch_value, json_of
from .slow_expressions import in_time

REGISTER_WORKER: Final[LiteralString] = """
select onceflow.register_worker(p_name => %s::text, p_queues => %s::text[], p_tasks => %s::text[],
                                p_lease => %s::interval, p_retries => %s::jsonb,
                                p_id => %s::uuid, p_signatures => %s::jsonb)"""

RENEW_WORKER: Final[LiteralString] = """
select instance_id, task
  from onceflow.renew_worker(p_worker_id => %s::uuid, p_tokens => %s::uuid[], p_call => %s::bigint,
                             p_progress => %s::jsonb, p_stats => %s::jsonb)"""

STOP_WORKER: Final[LiteralString] = """
select onceflow.stop_worker(p_worker_id => %s::uuid)"""


def register_worker(
    conn: Connection,
    name: str,
    queues: Sequence[str],
    tasks: Sequence[str],
    lease: float,
    retries: Mapping[str, Json] | None = None,
    worker_id: UUID | None = None,
    signatures: Mapping[str, str] | None = None,
) -> UUID:
    """Register this process as a worker of ``queues`` and return its id, fresh in each process.

    ``worker_id`` is a fresh UUID, made here unless given; a call whose reply was lost is repeated
    with the same. Raises WorkerNotLive where that worker has stopped or was declared dead since.

    ``tasks`` are the names of its handlers; ``lease`` is in seconds: after it without a renewal the
    worker is declared dead, for good. ``retries`` are its handlers' own retry policies by task, for
    attempts that it does not live to answer; ``signatures`` texts that differ where handlers of one
    name take other inputs.
    """
    parameters = (name, list(queues), list(tasks), timedelta(seconds=lease))
    policies = json_of(dict(retries or {}))
    ids = worker_id or uuid4(), json_of(dict(signatures or {}))
    return fetch_value(conn, REGISTER_WORKER, (*parameters, policies, *ids))


def renew_worker(
    conn: Connection,
    worker_id: UUID,
    tokens: Sequence[UUID],
    call: int,
    progress: Mapping[str, Json],
    stats: Mapping[str, Json],
) -> list[Key]:
    """Renew the lease and return the tasks that are to be told to stop.

    ``tokens`` are all tokens held or in flight and ``call`` the number that the next claiming call
    will carry, both taken at one moment: what else runs in this worker's name, from an earlier
    call, had its reply lost and is given out again. ``progress`` maps ``<instance_id>/<task>`` to
    what the handler reports. Raises WorkerNotLive: all that this worker holds is lost to it.
    """
    parameters = (
        worker_id,
        list(tokens),
        call,
        json_of(progress),
        json_of(stats),
    )
    return [Key(*row) for row in fetch(conn, RENEW_WORKER, parameters)]


def stop_worker(conn: Connection, worker_id: UUID) -> None:
    """End a worker gracefully; what it still holds is given back."""
    in_time(conn, lambda: fetch(conn, STOP_WORKER, (worker_id,)))
