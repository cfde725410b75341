"""What the tests of groups share: one turn of a worker, without the worker around it.

All that is granted in it has a handler that is known to be quick, and so runs in one group.
"""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any, TypeAlias
from uuid import UUID

from onceflow.engine.calls import register_worker, take_tasks
from onceflow.engine.settings import Settings
from onceflow.worker import AsyncContext, Context, Registry
from onceflow.worker.attempts.attempt import Running
from onceflow.worker.attempts.engine_calls import EngineCalls
from onceflow.worker.attempts.executor import Executor
from onceflow.worker.attempts.slots import Slots, Work
from onceflow.worker.registration.deadlines import Deadline, Deadlines
from onceflow.worker.registration.leases import Counters, Registration
from onceflow.worker.registration.retrying_connection import RetryingConnection

from ...support import wait_until
from ..support import Conn, deploy, start

Act: TypeAlias = Callable[[int, Context], Any]

HANDLERS = Registry()
ACTS: dict[str, Act] = {}
RUNS: Counter[str] = Counter()
"""How often each key's handler has begun."""

WORKFLOW = """
name: {name}
on_failure: fail
steps:
  - id: only
    task: {task}
    with: {{act: $.input.act, n: $.input.n}}
    retry: {{attempts: 3, backoff: 100s}}
    {more}
"""
INSERT = "insert into done (key, n, xid) values (%s, %s, pg_current_xact_id()::text)"


@HANDLERS.task("member", transactional=True)
def member(act: str, n: int, ctx: Context) -> Any:
    """Have an effect, and do what the test says."""
    RUNS[ctx.key] += 1
    ctx.connection.execute(INSERT, (ctx.key, n))
    return ACTS[act](n, ctx)


@HANDLERS.task("member_async", transactional=True)
async def member_async(act: str, n: int, ctx: AsyncContext) -> Any:
    """The same, async."""
    await ctx.connection.execute(INSERT, (ctx.key, n))
    return act


@HANDLERS.task("hermit", transactional=True, grouped=False)
def hermit(act: str, n: int, ctx: Context) -> Any:
    """The same, in no group."""
    return member(act, n, ctx)


def prepare(conn: Conn) -> None:
    """Make the table of effects, and the workflows."""
    conn.execute("create table done (key text not null, n int not null, xid text not null)")
    for task in ("member", "member_async", "hermit"):
        deploy(conn, WORKFLOW.format(name=task, task=task, more=""))
    deploy(conn, WORKFLOW.format(name="limited", task="member", more="timeout: 300ms"))


CUT, HOSTAGE = 1e6, 2e6
"""Seconds that no test takes: how slow a busy machine is, no test is to see."""


class StruckByHand(Deadlines):
    """Deadlines of which a test itself strikes some, which it knows by their seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._added: list[tuple[float, Deadline]] = []

    def add(self, seconds: float, callback: Callable[[], None]) -> Deadline:
        """Add one as ever, and keep it."""
        deadline = super().add(seconds, callback)
        self._added.append((seconds, deadline))
        return deadline

    def strike(self, seconds: float) -> None:
        """Strike those that were added with so many seconds, and are not over."""
        for given, deadline in list(self._added):
            if given == seconds:
                deadline.strike()


class Turn:
    """An executor, and what was granted to it."""

    def __init__(self, settings: Settings, conn: Conn) -> None:
        self.conn = conn
        worker_id = register_worker(conn, "turn", ["default"], HANDLERS.names(), 60.0)
        self.registration = Registration(worker_id, 60.0, monotonic())
        self.counters = Counters()
        self.slots = Slots(64)
        self.running = Running()
        self.deadlines = StruckByHand()
        self.executor = Executor(
            settings, HANDLERS, self.slots, self.running, self.deadlines, self._is_not_lent
        )
        self.executor.transactional.cut, self.executor.transactional.hostage = CUT, HOSTAGE
        self.connection = RetryingConnection(settings, "turn")
        self.calls = EngineCalls(
            self.connection,
            self.registration,
            self.counters,
            lambda: True,
        )

    def _is_not_lent(self, work: Work) -> None:
        raise AssertionError("the turn does not wait, and so is not lent")

    def cut(self) -> None:
        """Let all groups have taken so long that those that wait in them go elsewhere."""
        self.deadlines.strike(CUT)

    def free_hostages(self) -> None:
        """Let them have taken so long, besides, that those that have run do so too."""
        self.deadlines.strike(HOSTAGE)

    def begin(
        self, act: Act, count: int = 5, *, workflow: str = "member", known: bool = True
    ) -> list[UUID]:
        """Start so many instances, and all of their tasks at once."""
        name = f"act {len(ACTS)}"
        ACTS[name] = act
        ids = start(self.conn, workflow, [{"act": name, "n": n} for n in range(count)])
        call = self.registration.grants.open()
        taken = take_tasks(
            self.conn, self.registration.worker_id, call.token, call.number, ["default"], 100
        )
        grants = [one.grant for one in taken if one.grant is not None]
        self.registration.grants.close(call.token, len(grants))
        assert len(grants) == count
        for grant in grants if known else []:
            self.executor.transactional.pace.note(grant, 0.0)
        self.executor.start(grants, self.registration)
        return ids

    def end(self) -> None:
        """Wait until all handlers have ended, and record what is to be recorded."""
        wait_until(lambda: self.slots.busy == 0, "the end of all handlers")
        self.calls.record(self.slots.take(0).outcomes, 0)
        assert self.running.all() == []

    def run(self, act: Act, count: int = 5, *, workflow: str = "member") -> list[UUID]:
        """Begin and end."""
        ids = self.begin(act, count, workflow=workflow)
        self.end()
        return ids

    def states(self, ids: Sequence[UUID]) -> list[str]:
        """Return the states of the instances' tasks, in their order."""
        rows = self.conn.execute(
            "select t.state from unnest(%s::uuid[]) with ordinality u (id, n)"
            " join onceflow.tasks t on t.instance_id = u.id order by n",
            (list(ids),),
        )
        return [state for (state,) in rows]

    def done(self, ids: Sequence[UUID]) -> list[list[str]]:
        """Return the transactions of the effects of each instance, in their order."""
        rows = self.conn.execute(
            "select coalesce(array_agg(d.xid) filter (where d.xid is not null), '{}')"
            " from unnest(%s::uuid[]) with ordinality u (id, n)"
            " left join done d on d.key = u.id || '/only' group by u.n order by u.n",
            (list(ids),),
        )
        return [xids for (xids,) in rows]

    def attempts(self, ids: Sequence[UUID]) -> set[int]:
        """Return how many attempts the instances' tasks have had."""
        rows = self.conn.execute(
            "select attempts from onceflow.tasks where instance_id = any(%s)", (list(ids),)
        )
        return {attempts for (attempts,) in rows}

    def close(self) -> None:
        """End its threads."""
        self.executor.close()
        self.connection.close()
        self.deadlines.close()


@contextmanager
def turn(settings: Settings, conn: Conn) -> Generator[Turn]:
    """Make one, and close it."""
    with closing(Turn(settings, conn)) as made:
        yield made


def runs(ids: Sequence[UUID]) -> list[int]:
    """Return how often the handler of each instance has begun."""
    return [RUNS[f"{instance}/only"] for instance in ids]
