"""What the dashboard shows. No query here costs more as history grows: counts stop at a limit, what
has happened is read out of statistics, and recent instances from the end of an index."""

from datetime import UTC, datetime
from typing import Final, LiteralString, get_args

import msgspec

from ...engine.calls.reads import SUMMARY, InstanceFilter, list_instances
from ...engine.secrets import Secrets
from ..database import Connection, Database, rows
from ..hooks.secrets import missing_hook_secrets
from ..schemas.dead_letters import DeadLetter
from ..schemas.instances import InstanceSummary
from ..schemas.system import (
    Backlog,
    Heartbeat,
    IdleWorker,
    MissingHandler,
    MissingHookSecret,
    MissingSecret,
    Queue,
    Worker,
)
from ..schemas.triggers import StalledTrigger
from ..schemas.words import InstanceState
from .dead_letters import COLUMNS as DEAD_LETTER
from .system import (
    BACKLOG,
    QUEUES,
    WORKER,
    idle_workers,
    missing_handlers,
    missing_secrets,
    read_heartbeat,
)
from .trends import Range, Trend, read_trend
from .triggers import stalled_triggers

COUNT_LIMIT: Final = 10_000

STATES: Final[tuple[LiteralString, ...]] = get_args(InstanceState)

# Of roots, as the lists behind them. Each state stands as a literal: for a rare one the planner
# then takes the index, whereas one plan for any state would read the whole table.
COUNTS: Final[LiteralString] = " union all ".join(
    f"select '{state}' as state, (select count(*) from (select from onceflow.instances"  # noqa: S608
    f" where state = '{state}' and parent_id is null limit %(limit)s) counted) as number"
    for state in STATES
)

OTHERS: Final[LiteralString] = """
select (select count(*) from (select from onceflow.instances
                               where suspended_at is not null and suspended_by = 'operator'
                               limit %(limit)s) s) as suspended,
       (select count(*) from (select from onceflow.open_dead_letters
                               limit %(limit)s) d) as dead_letters,
       (select count(*) from (select from onceflow.quarantined limit %(limit)s) q) as quarantined"""


LIVING: Final[LiteralString] = " where state in ('live', 'silent') order by name limit 200"


class StateCount(msgspec.Struct, frozen=True):
    """How many instances are in a state: at most COUNT_LIMIT."""

    state: str
    number: int


class Counts(msgspec.Struct, frozen=True):
    """How much else there is: of each at most COUNT_LIMIT."""

    suspended: int
    dead_letters: int
    quarantined: int


class Transport(msgspec.Struct, frozen=True):
    """How messages travel to workers."""

    transport: str


class Overview(msgspec.Struct, frozen=True):
    """Everything on the dashboard."""

    states: list[StateCount]
    counts: Counts
    trend: Trend
    latest: list[InstanceSummary]
    dead_letters: list[DeadLetter]
    workers: list[Worker]
    queues: list[Queue]
    missing_handlers: list[MissingHandler]
    missing_secrets: list[MissingSecret]
    missing_hook_secrets: list[MissingHookSecret]
    stalled_triggers: list[StalledTrigger]
    idle_workers: list[IdleWorker]
    outbox: list[Backlog]
    transport: str
    heartbeat: Heartbeat


def read_overview(database: Database, secrets: Secrets, over: Range) -> Overview:
    """Return what the dashboard shows; of what has happened over one of RANGES."""
    with database.connection() as conn:
        return Overview(
            states=rows(conn, StateCount, COUNTS, {"limit": COUNT_LIMIT}),
            counts=rows(conn, Counts, OTHERS, {"limit": COUNT_LIMIT})[0],
            trend=read_trend(conn, over, datetime.now(UTC)),
            latest=_latest(conn),
            dead_letters=rows(
                conn,
                DeadLetter,
                f"select {DEAD_LETTER} from onceflow.dead_letters where open"  # noqa: S608  literals
                " order by instance_id desc, task limit 5",
            ),
            workers=rows(conn, Worker, WORKER + LIVING),
            queues=rows(conn, Queue, QUEUES),
            missing_handlers=missing_handlers(conn),
            missing_secrets=missing_secrets(conn),
            missing_hook_secrets=missing_hook_secrets(conn, secrets),
            stalled_triggers=stalled_triggers(conn),
            idle_workers=idle_workers(conn),
            outbox=rows(conn, Backlog, BACKLOG),
            transport=rows(conn, Transport, "select transport from onceflow.transport")[
                0
            ].transport,
            heartbeat=read_heartbeat(conn),
        )


def _latest(conn: Connection) -> list[InstanceSummary]:
    return rows(conn, InstanceSummary, *list_instances(SUMMARY, InstanceFilter(), 10))
