"""The engine beside the interpreter: each call is made of both, and then both must say the same."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Grant, Key
from onceflow.engine.calls import Failure as FailureOfTask
from onceflow.engine.calls import GiveBack as GiveBackOfTask
from onceflow.engine.ids import make_ids

from ...sql.play import Connection, Worker, tick
from ..interpreter import Machine, RowView
from .actions import (
    Action,
    Claim,
    Complete,
    Discard,
    Fail,
    GiveBack,
    Operate,
    Redrive,
    Send,
    SendEvent,
    Skip,
    Tick,
    apply,
)
from .drawn import input_of
from .snapshot import Snapshot

Json = Any

RENEWED_AFTER = 600.0
"""Seconds, after which a worker's lease is renewed: its life is the true clock's."""
TABLES = ("task", "scope", "block", "wait", "delivery", "task_log", "instance")


class Engine:
    """One instance of a definition in the database, moved by the calls of a script.

    ``snapshot`` is what the database has had of it since the last ``look``.
    """

    snapshot: Snapshot

    def __init__(self, conn: Connection, worker: "Hand", compiled: Json) -> None:
        self.conn, self.worker = conn, worker
        self.grants: dict[str, Grant] = {}
        worker.keep_alive()
        # What others left behind is of no concern, and a look at it is paid in every case.
        conn.execute("delete from onceflow.outbox")
        # Plans for one instance would not be worth their planning.
        conn.execute("set plan_cache_mode = force_generic_plan")
        self.began = datetime.now(UTC)
        self.turn(0)
        self.workflow = calls.register_workflow(conn, compiled).name
        (self.id,) = make_ids(1)

    def start(self, given: Json) -> None:
        """Start the instance."""
        (started,) = calls.start_instances(self.conn, self.workflow, [given], ids=[self.id])
        assert started.outcome == "started", started

    def turn(self, now: float) -> None:
        """Set the clock to so many seconds after the start."""
        at = self.began + timedelta(seconds=now)
        self.conn.execute("select onceflow.set_clock(%s)", (at,))

    def look(self, *, afresh: bool = False) -> Snapshot:
        """Read what the database has of it; what ended blocks give is read again ``afresh``."""
        before = None if afresh else getattr(self, "snapshot", None)
        self.snapshot = Snapshot(self.conn, self.id, before)
        return self.snapshot

    def erase(self) -> None:
        """Remove it: one that was left in the middle would be met by every turn of the clock."""
        for table in TABLES:
            column = "id" if table == "instance" else "instance_id"
            self.conn.execute(f"delete from onceflow.{table} where {column} = %s", (self.id,))  # pyright: ignore

    def apply(self, action: Action) -> object:
        """Make a call; return what operators are answered."""
        match action:
            case Claim(paths):
                granted = self.worker.take_all([self._key(path) for path in paths])
                assert len(granted) == len(paths), f"{paths} are claimed, {granted} granted"
                for path in paths:
                    self.grants[path] = granted[self.snapshot.names[path]]
            case Complete(outputs):
                items = [Completion(*self._held(path), output) for path, output in outputs]
                _accepted(calls.complete_tasks(self.conn, self.worker.id, items))
            case Fail(paths, failure):
                error: Json = {"code": failure.code, "message": "it failed"}
                if failure.unknown:
                    error["unknown"] = True
                failures = [
                    FailureOfTask(*self._held(path), error, failure.retryable) for path in paths
                ]
                _accepted(calls.fail_tasks(self.conn, failures))
            case GiveBack(paths, started):
                given = [GiveBackOfTask(*self._held(path), started) for path in paths]
                _accepted(calls.give_back_tasks(self.conn, given))
            case Tick(now):
                self.turn(now)
                tick(self.conn)
            case Send(signals):
                sent = [calls.Signal(self.id, s.name, s.payload, s.key) for s in signals]
                return [answer.outcome for answer in calls.send_signals(self.conn, sent)]
            case _:
                return self._decide(action)
        return None

    def _decide(self, action: Action) -> object:
        match action:
            case Operate(name):
                (decided,) = getattr(calls, f"{name}_instances")(self.conn, [self.id])
                return decided.outcome
            case Redrive(path, value):
                (decided,) = calls.redrive_dead_letters(self.conn, [self._key(path)], [value])
                return decided.outcome
            case Skip(path, output):
                (decided,) = calls.skip_dead_letters(self.conn, [self._key(path)], [output])
                return decided.outcome
            case Discard(paths):
                keys = [self._key(path) for path in paths]
                return [d.outcome for d in calls.discard_dead_letters(self.conn, keys)]
            case _:
                raise AssertionError(action)

    def _key(self, path: str) -> Key:
        return Key(self.id, self.snapshot.names[path])

    def _held(self, path: str) -> tuple[UUID, str, UUID]:
        grant = self.grants.pop(path)
        return self.id, grant.task, grant.fence


class CutEngine(Engine):
    """An engine whose transitions are cut_early(): what is left goes on before the next call.

    The order in which steps have ended is then another, and so is that of undoing.
    """

    def start(self, given: Json) -> None:
        super().start(given)
        self._go_on()

    def apply(self, action: Action) -> object:
        answered = super().apply(action)
        self._go_on()
        return answered

    def _go_on(self) -> None:
        for _ in range(1000):
            statement = "select resume_at is not null from onceflow.instance where id = %s"
            if self.conn.execute(statement, (self.id,)).fetchone() != (True,):
                return
            calls.begin_instances(self.conn, 1000)
        raise AssertionError("a transition is cut again and again")


def _accepted(answers: list[calls.Answer] | list[Any]) -> None:
    assert {answer.answer for answer in answers} == {"accepted"}, answers


class Hand(Worker):
    """A worker that is told what to claim, and lives as long as there are cases."""

    def __init__(self, conn: Connection) -> None:
        super().__init__(conn, lease=3600)
        self.renewed_at = time.monotonic()

    def keep_alive(self) -> None:
        """Renew the lease, now and then, while nothing is held."""
        if time.monotonic() - self.renewed_at > RENEWED_AFTER:
            self.renew()
            self.renewed_at = time.monotonic()

    def take_all(self, keys: list[Key]) -> dict[str, Grant]:
        """Claim tasks in one call; return what was granted, by task."""
        claimed = calls.claim_tasks(self.conn, self.id, self.next_token(), self.call, keys)
        return {answer.task: answer.grant for answer in claimed if answer.grant is not None}


class Pair:
    """An instance of the interpreter and one of the engine."""

    def __init__(self, engine: Engine, document: Json) -> None:
        self.engine = engine
        self.machine = Machine(document, engine.began)
        given = input_of(engine.began)
        engine.start(given)
        self.machine.start(given)
        self.compare("start")

    def apply(self, action: Action) -> None:
        """Make a call of both, and compare what follows."""
        expected = apply(self.machine, action)
        answered = self.engine.apply(action)
        if isinstance(action, Operate | Redrive | Skip | Discard | Send | SendEvent):
            assert answered == expected, f"{action} is answered {answered}, not {expected}"
        self.compare(action)

    def compare(self, after: object, *, afresh: bool = False) -> None:
        """Assert that both say the same: the rows, what is due, what is undone, the end."""
        machine, engine = self.machine, self.engine.look(afresh=afresh)
        rows, expected = engine.rows, machine.rows()
        differ = {
            path: (rows.get(path), expected.get(path))
            for path in sorted({*rows, *expected})
            if rows.get(path) != expected.get(path)
        }
        assert not differ, f"{_about(differ)} after {after}, of engine and interpreter: {differ}"
        for what in ("scopes", "end", "due", "undone", "waits", "kept"):
            found, wanted = getattr(engine, what), getattr(machine, what)()
            assert found == wanted, f"{what} differs after {after}: {found}, not {wanted}"
        engine.check()


def _about(differ: dict[str, tuple[RowView | None, RowView | None]]) -> str:
    """Return in what rows differ, without their names."""
    states = {
        f"{found.state if found else None}/{wanted.state if wanted else None}"
        for found, wanted in differ.values()
    }
    return f"rows are {', '.join(sorted(states))}"


__all__ = ["CutEngine", "Engine", "Hand", "Pair"]
