"""A pretend relay and pretend workers: what the tests move instances with.

They use the same calls as the real ones and nothing else; messages are taken from the outbox as if
Kafka had delivered them.
"""

import json
import uuid
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from onceflow.engine import calls
from onceflow.engine.calls import Answer, Completion, Failure, GiveBack, Grant, Key
from onceflow.engine.calls.tasks import GRANT

from ..support import wait_until
from .rooms import TEXTS

Connection = psycopg.Connection[Any]
Json = Any


@contextmanager
def cut_early(conn: Connection) -> Generator[None]:
    """Have transitions cut after one wave, or a few changes, as long as it lasts."""
    conn.execute(
        "create or replace function onceflow.is_cut(p_waves int, p_changes int) returns boolean"
        " language sql immutable parallel safe return p_waves > 1 or p_changes > 6"
    )
    try:
        yield
    finally:
        execute(conn, TEXTS["is_cut"])


def read_grants(
    conn: Connection, worker_id: UUID, token: UUID, ids: list[UUID] | None = None
) -> list[Grant]:
    """Return what runs under a token: what workers of other languages may ask."""
    statement = f"select instance_id, task, {GRANT} from onceflow.read_grants(%s, %s, %s::uuid[])"
    return [Grant(*row) for row in conn.execute(statement, (worker_id, token, ids)).fetchall()]


def take_messages(conn: Connection) -> list[Key]:
    """Empty the outbox and return what its task messages name, oldest first."""
    with conn.transaction():
        rows = calls.take_outbox(conn, 10_000)
        calls.drop_outbox(conn, [row.id for row in rows])
    return read_messages(rows)


def read_messages(rows: Iterable[calls.OutboxRow]) -> list[Key]:
    """Return what the task messages among some outbox rows name, in their order."""
    messages = [json.loads(row.value) for row in rows if row.kind == "task"]
    return [Key(UUID(message["instance"]), message["task"]) for message in messages]


def put_message(play: "Play", key: Key | None, value: str = "", queue: str = "default") -> None:
    """Put a task message into the outbox that no transition has made: of ``key``, or a text."""
    if key is not None:
        value = json.dumps({"instance": str(key.instance_id), "task": key.task})
    play.conn.execute(
        "insert into onceflow.outbox (kind, topic, value, queued_xid, made_at)"
        " values ('task', %s, %s, pg_current_xact_id(), now())",
        (queue, value),
    )


def switch(conn: Connection, transport: str, limit: int = 1000) -> list[int]:
    """Switch the transport to the end; return how many tasks each call has shipped again."""
    shipped: list[int] = []
    while True:
        switched = calls.switch_transport(conn, transport, limit)
        shipped.append(switched.shipped)
        if switched.done:
            return shipped


def execute(conn: Connection, statement: str, *parameters: Any) -> psycopg.Cursor[Any]:
    """Run a statement that the test has put together."""
    return conn.execute(statement, parameters or None)  # pyright: ignore


def watermark(conn: Connection) -> str:
    """Return a watermark above all that was queued so far and has left the outbox.

    It is waited for: transactions of tests beside this one, on the same server, hold it back.
    """
    ((last,),) = execute(conn, "select pg_current_xact_id()::text").fetchall()

    def above() -> str | None:
        before = calls.read_watermark(conn)
        return before if int(before) > int(last) else None

    return wait_until(above, "the watermark to pass")


class Worker:
    """A worker process, as far as the database can see it."""

    def __init__(
        self,
        conn: Connection,
        name: str = "w",
        queues: Iterable[str] = ("default",),
        tasks: Iterable[str] = ("work", "undo"),
        lease: float = 60.0,
    ) -> None:
        self.conn = conn
        self.id = calls.register_worker(conn, name, list(queues), list(tasks), lease)
        self.call = 0

    def claim(self, *keys: Key) -> list[Grant]:
        """Claim these tasks in one call and return what was granted."""
        token = self.next_token()
        calls.claim_tasks(self.conn, self.id, token, self.call, keys)
        return self.grants(token)

    def claim_all(self) -> list[Grant]:
        """Claim all that the outbox holds."""
        return self.claim(*take_messages(self.conn))

    def take(self, instance_id: UUID, task: str) -> Grant:
        """Claim this task, which must be granted."""
        (grant,) = self.claim(Key(instance_id, task))
        return grant

    def next_token(self) -> UUID:
        """Return a token for the next claiming call, and count it."""
        self.call += 1
        return uuid.uuid4()

    def grants(self, token: UUID) -> list[Grant]:
        """Return what runs under the token, in the order of the tasks."""
        return sorted(read_grants(self.conn, self.id, token), key=_place)

    def complete(self, *grants: Grant, output: Json = None) -> list[Answer]:
        """Complete all with one output, in one call."""
        return calls.complete_tasks(self.conn, self.id, _completions(grants, output))

    def complete_and_take(
        self, *grants: Grant, output: Json = None, room: int = 1
    ) -> tuple[list[Answer], list[Grant]]:
        """Complete with room for a hand-off; return the answers and what was handed off."""
        token = self.next_token()
        answers = calls.complete_tasks(
            self.conn, self.id, _completions(grants, output), token, self.call, room
        )
        granted = [answer.grant for answer in answers if answer.grant is not None]
        return [a for a in answers if a.grant is None], sorted(granted, key=_place)

    def fail(
        self,
        *grants: Grant,
        code: str = "test.failed",
        retryable: bool = True,
        retry: dict[str, Json] | None = None,
        **error: Json,
    ) -> list[Answer]:
        """Fail all with one error, in one call."""
        whole = {"code": code, "message": "it failed", **error}
        failures = [
            Failure(grant.instance_id, grant.task, grant.fence, whole, retryable, retry)
            for grant in grants
        ]
        return calls.fail_tasks(self.conn, failures)

    def give_back(self, *grants: Grant, started: bool = True) -> list[Answer]:
        """Give all back, in one call."""
        items = [GiveBack(g.instance_id, g.task, g.fence, started) for g in grants]
        return calls.give_back_tasks(self.conn, items)

    def renew(self, *tokens: UUID) -> list[Key]:
        """Renew the lease, holding these tokens; return what is to be told to stop."""
        return calls.renew_worker(self.conn, self.id, tokens, self.call + 1, {}, {})

    def stop(self) -> None:
        """End gracefully."""
        calls.stop_worker(self.conn, self.id)

    def vanish(self) -> None:
        """Let the lease run out at once, as after a crash and a wait for a tick to find it."""
        self.conn.execute(
            "update onceflow.worker set lease_until = clock_timestamp() - interval '1 s'"
            " where id = %s",
            (self.id,),
        )
        end_grace(self.conn)


def _completions(grants: Iterable[Grant], output: Json) -> list[Completion]:
    return [Completion(grant.instance_id, grant.task, grant.fence, output) for grant in grants]


def end_grace(conn: Connection) -> None:
    """Make it so that the clock ticked a moment ago, and no worker is spared for a gap."""
    conn.execute("update onceflow.clock set last_tick_at = clock_timestamp(), grace_until = null")


def turn_clock(conn: Connection) -> None:
    """Make it so that a relay turns the clock, for the next hour."""
    conn.execute(
        "update onceflow.clock set turned_by = 'relay r:1',"
        " last_tick_at = clock_timestamp() + interval '1 hour'"
    )


@dataclass(frozen=True)
class Ticked:
    """What one turn of the clock did, all jobs of it."""

    retried: int = 0
    timed_out: int = 0
    expired: int = 0
    lost_workers: int = 0


def tick(conn: Connection, limit: int = 1000) -> Ticked:
    """Turn the clock once: each of its jobs, which a relay has beside each other."""
    lost_workers = calls.expire_workers(conn, limit)
    fired = calls.fire_timers(conn, limit)
    begun = calls.begin_instances(conn, limit)
    lost = calls.fail_lost_attempts(conn, limit)
    expired = calls.enforce_deadlines(conn, limit)
    calls.apply_deliveries(conn, limit)
    calls.forget_events(conn, limit)
    calls.remind_people(conn, limit)
    return Ticked(fired.retried + begun, fired.timed_out + lost, expired, lost_workers)


def keep_unanalyzed(conn: Connection) -> None:
    """Keep autovacuum from the partitions: what plans go by is what the test says."""
    partitions = conn.execute(
        "select h.inhrelid::regclass::text from pg_inherits h"
        " join pg_class c on c.oid = h.inhparent"
        " where c.relnamespace = 'onceflow'::regnamespace and c.relkind = 'p'"
    ).fetchall()
    for (name,) in partitions:
        conn.execute(f"alter table {name} set (autovacuum_enabled = false)".encode())


def rows_read(conn: Connection, tables: str) -> int:
    """Return how many rows this transaction has read so far of tables that match a pattern."""
    statement = (
        "select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int"
        " from pg_stat_xact_user_tables where relname ~ %s"
    )
    ((read,),) = conn.execute(statement, (tables,)).fetchall()
    return read


def pass_time(conn: Connection, interval: str) -> None:
    """Move the clock of timers on by ``interval``; it stands still then."""
    conn.execute("select onceflow.set_clock(onceflow.now() + %s::interval)", (interval,))


class Play:
    """One database, one connection, one worker, and short words for what tests do all the time."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.worker = Worker(conn)

    def deploy(self, compiled: dict[str, Any]) -> str:
        """Register a workflow and return its name."""
        return calls.register_workflow(self.conn, compiled).name

    def start(self, workflow: str, given: Json = None) -> UUID:
        """Start one instance."""
        (started,) = calls.start_instances(self.conn, workflow, [given or {}])
        assert started.outcome == "started"
        return started.instance_id

    def begin(self, compiled: dict[str, Any], given: Json = None) -> UUID:
        """Register a workflow and start one instance of it."""
        return self.start(self.deploy(compiled), given)

    def take(self, instance_id: UUID, task: str) -> Grant:
        """Claim a task, which must be granted."""
        return self.worker.take(instance_id, task)

    def complete(self, instance_id: UUID, *tasks: str, output: Json = None) -> None:
        """Claim tasks and complete them, one after the other."""
        for task in tasks:
            (answer,) = self.worker.complete(self.take(instance_id, task), output=output)
            assert answer.answer == "accepted"

    def fail(self, instance_id: UUID, task: str, *, retryable: bool = False, **error: Json) -> None:
        """Claim a task and fail it, for good unless ``retryable``."""
        grant = self.take(instance_id, task)
        (answer,) = self.worker.fail(grant, retryable=retryable, **error)
        assert answer.answer == "accepted"

    def tick(self) -> Ticked:
        """Turn the clock once."""
        return tick(self.conn)

    def state(self, instance_id: UUID, task: str | None = None) -> str:
        """Return the state of an instance, or of a task, which must exist."""
        if task is None:
            row = self.row("select state from onceflow.instances where id = %s", instance_id)
        else:
            row = self.row(
                "select state from onceflow.tasks where instance_id = %s and task = %s",
                instance_id,
                task,
            )
        return row[0]

    def states(self, instance_id: UUID) -> dict[str, str]:
        """Return the states of all tasks of an instance."""
        rows = self.rows(
            "select task, state from onceflow.tasks where instance_id = %s", instance_id
        )
        return dict(rows)

    def task(self, instance_id: UUID, task: str, *columns: str) -> tuple[Any, ...]:
        """Return columns of the view ``tasks`` for one task."""
        return self.row(
            f"select {', '.join(columns)} from onceflow.tasks where instance_id = %s and task = %s",
            instance_id,
            task,
        )

    def instance(self, instance_id: UUID, *columns: str) -> tuple[Any, ...]:
        """Return columns of the view ``instances`` for one instance."""
        return self.row(
            f"select {', '.join(columns)} from onceflow.instances where id = %s", instance_id
        )

    def log(self, instance_id: UUID, task: str | None) -> list[str]:
        """Return the states that a task (None: the instance) went through, by the log."""
        rows = self.rows(
            "select state from onceflow.transitions"
            " where instance_id = %s and task is not distinct from %s"
            # A claim has no number: it is the first of its attempt.
            " order by attempt, seq nulls first, n",
            instance_id,
            task,
        )
        return [state for (state,) in rows]

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return execute(self.conn, statement, *parameters).fetchall()

    def row(self, statement: str, *parameters: Any) -> tuple[Any, ...]:
        """Run a statement that must give one row."""
        (row,) = self.rows(statement, *parameters)
        return row

    def value(self, statement: str, *parameters: Any) -> Any:
        """Run a statement that must give one value."""
        (value,) = self.row(statement, *parameters)
        return value


def _place(grant: Grant) -> tuple[UUID, str]:
    return grant.instance_id, grant.task
