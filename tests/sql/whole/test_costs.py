"""What a step costs Postgres: transactions, statements and row versions, and never more.

These are counts, not times, so they are the same on every machine. A change that makes a step
cheaper lowers the figures below; one that raises them has to say why.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Grant, Key

from ..play import Connection, Play, Worker, read_messages
from ..workflows import Step, fan, sequence, workflow

T = TypeVar("T")

Rows = tuple[int, int, int]
"""Row versions: inserted, updated, deleted."""

TABLES = ("instance", "task", "task_log", "outbox")


@dataclass
class Costs:
    """What some calls have cost: each is one statement, in a transaction of its own.

    ``transactions`` are those that were given an id, and so are written to disk.
    """

    statements: int = 0
    transactions: int = 0
    rows: dict[str, Rows] = field(default_factory=lambda: dict.fromkeys(TABLES, (0, 0, 0)))


class Meter:
    """Makes calls and adds up what they cost."""

    def __init__(self, conn: Connection, worker: Worker) -> None:
        self.conn = conn
        self.worker = worker
        self.costs = Costs()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Make a call in a transaction of its own."""
        return self.transaction(lambda: function(self.conn, *arguments), 1)

    def transaction(self, work: Callable[[], T], statements: int) -> T:
        """Do ``work``, of so many statements, in one transaction."""
        with self.conn.transaction():
            before = self._written()
            result = work()
            (assigned,) = self.conn.execute(
                "select pg_current_xact_id_if_assigned() is not null"
            ).fetchone() or (False,)
            after = self._written()
        self.costs.statements += statements
        self.costs.transactions += assigned
        for table in TABLES:
            added = (a - b for a, b in zip(after[table], before[table], strict=True))
            inserted, updated, deleted = (
                n + m for n, m in zip(self.costs.rows[table], added, strict=True)
            )
            self.costs.rows[table] = inserted, updated, deleted
        return result

    def ship(self) -> list[Key]:
        """Be the relay: take a batch and delete it, in one transaction."""

        def take_and_drop() -> list[Key]:
            rows = calls.take_outbox(self.conn, 10_000)
            calls.drop_outbox(self.conn, [row.id for row in rows])
            return read_messages(rows)

        return self.transaction(take_and_drop, 2)

    def claim(self, keys: Sequence[Key]) -> list[Grant]:
        token, worker = self.worker.next_token(), self.worker
        claimed = self.call(calls.claim_tasks, worker.id, token, worker.call, keys)
        return [claim.grant for claim in claimed if claim.grant is not None]

    def complete(self, grants: Iterable[Grant], room: int) -> list[Grant]:
        token, worker = self.worker.next_token(), self.worker
        completions = [calls.Completion(g.instance_id, g.task, g.fence, None) for g in grants]
        answers = self.call(calls.complete_tasks, worker.id, completions, token, worker.call, room)
        return [answer.grant for answer in answers if answer.grant is not None]

    def fail(self, grants: Iterable[Grant]) -> None:
        error = {"code": "test.failed", "message": "it failed"}
        failures = [
            calls.Failure(g.instance_id, g.task, g.fence, error, True, None) for g in grants
        ]
        self.call(calls.fail_tasks, failures)

    def run(self, count: int, workflow: str = "flow", room: int = 500) -> None:
        """Start ``count`` instances at once and bring them to their end."""
        self.call(calls.start_instances, workflow, [{}] * count)
        grants: list[Grant] = []
        while grants or (grants := self.claim(keys) if (keys := self.ship()) else []):
            grants = self.complete(grants, room)

    def _written(self) -> dict[str, Rows]:
        rows = self.conn.execute(
            "select t.name, coalesce(sum(s.n_tup_ins), 0)::int, coalesce(sum(s.n_tup_upd), 0)::int,"
            " coalesce(sum(s.n_tup_del), 0)::int"
            " from unnest(%s::text[]) t (name) left join pg_stat_xact_user_tables s"
            " on s.schemaname = 'onceflow' and s.relname ~ ('^' || t.name || '(_[0-9]+)?$')"
            " group by t.name",
            (list(TABLES),),
        ).fetchall()
        return {name: (inserted, updated, deleted) for name, inserted, updated, deleted in rows}


@pytest.fixture
def meter(play: Play) -> Meter:
    return Meter(play.conn, play.worker)


def require(costs: Costs, statements: int, transactions: int, **rows: Rows) -> None:
    """Require that the costs are at most these."""
    bounds = Costs(statements, transactions, rows)
    assert costs.statements <= bounds.statements
    assert costs.transactions <= bounds.transactions
    over = {
        table: (costs.rows[table], bounds.rows[table])
        for table in TABLES
        if any(a > b for a, b in zip(costs.rows[table], bounds.rows[table], strict=True))
    }
    assert over == {}, "row versions (inserted, updated, deleted), counted and allowed"


@pytest.mark.parametrize("count", [1, 100])
def test_a_chain_handed_off_costs_a_commit_a_step_however_many_run(
    play: Play, meter: Meter, count: int
) -> None:
    play.deploy(sequence("a", "b", "c", "d"))
    meter.run(count)
    assert play.value("select count(*) from onceflow.instances where state = 'SUCCEEDED'") == count
    require(
        meter.costs,
        statements=1 + 2 + 1 + 4 + 2,  # start, ship, claim, complete; the outbox found empty
        transactions=1 + 1 + 1 + 4,
        instance=(count, 5 * count, 0),
        task=(4 * count, 5 * count, 0),
        task_log=(11 * count, 0, 0),
        outbox=(count, 0, count),
    )


@pytest.mark.parametrize("count", [1, 100])
def test_a_chain_through_the_broker_costs_three_commits_a_step_however_many_run(
    play: Play, meter: Meter, count: int
) -> None:
    play.deploy(sequence("a", "b", "c", "d"))
    meter.run(count, room=0)
    assert play.value("select count(*) from onceflow.instances where state = 'SUCCEEDED'") == count
    require(
        meter.costs,
        statements=1 + 4 * (2 + 1 + 1) + 2,
        transactions=1 + 4 * 3,
        instance=(count, 5 * count, 0),
        task=(4 * count, 8 * count, 0),
        task_log=(14 * count, 0, 0),
        outbox=(4 * count, 0, 4 * count),
    )


@pytest.mark.parametrize("width", [10, 400])
def test_a_join_costs_a_branch_the_same_however_wide_it_is(
    play: Play, meter: Meter, width: int
) -> None:
    play.deploy(fan(width))
    meter.run(1)
    assert play.value("select state from onceflow.instances") == "SUCCEEDED"
    require(
        meter.costs,
        statements=1 + 2 + 1 + 2 + 2,  # all branches in one call, and the join in another
        transactions=1 + 1 + 1 + 2,
        instance=(1, 3, 0),
        task=(width + 1, 2 * width + 1, 0),
        task_log=(3 * width + 4, 0, 0),
        outbox=(width, 0, width),
    )


def test_a_join_counted_branch_by_branch_costs_one_row_version_more_a_branch(
    play: Play, meter: Meter
) -> None:
    play.deploy(fan(10))
    meter.call(calls.start_instances, "flow", [{}])
    for grant in meter.claim(meter.ship()):
        meter.complete([grant], 0)
    require(
        meter.costs,
        statements=1 + 2 + 1 + 10,
        transactions=1 + 1 + 1 + 10,
        instance=(1, 11, 0),
        task=(11, 2 * 10 + 9, 0),
        task_log=(1 + 10 + 10 + 10 + 2, 0, 0),
        outbox=(11, 0, 10),
    )


def test_a_failed_attempt_costs_two_commits_and_three_row_versions(
    play: Play, meter: Meter
) -> None:
    retry = {"attempts": 3, "backoff": 1.0, "factor": 1.0, "max": 1.0, "jitter": 0.0}
    play.deploy(workflow(Step("a", retry=retry)))
    meter.call(calls.start_instances, "flow", [{}] * 50)
    grants = meter.claim(meter.ship())
    meter.costs = Costs()
    meter.fail(grants)
    play.conn.execute("select onceflow.set_clock(onceflow.now() + interval '2 s')")
    meter.call(calls.fire_timers, 1000)
    require(
        meter.costs,
        statements=2,
        transactions=2,
        instance=(0, 2 * 50, 0),
        task=(0, 2 * 50, 0),
        task_log=(2 * 50, 0, 0),
        outbox=(50, 0, 0),
    )


def test_ticks_that_find_nothing_cost_one_commit_a_second(play: Play, meter: Meter) -> None:
    play.tick()
    began = time.monotonic()
    jobs = (
        calls.expire_workers,
        calls.fire_timers,
        calls.begin_instances,
        calls.fail_lost_attempts,
        calls.enforce_deadlines,
    )
    for _ in range(20):
        for job in jobs:
            meter.call(job, 1000)
    # Each second of a busy machine, and what is left of one at either end.
    seconds = int(time.monotonic() - began) + 1
    require(meter.costs, statements=100, transactions=seconds, **dict.fromkeys(TABLES, (0, 0, 0)))
