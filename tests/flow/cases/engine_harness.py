"""The engine beside the interpreter: each call is made of both, and then both must say the same."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls import Completion, GiveBack, Grant, Key
from onceflow.engine.calls import Failure as FailureOfTask
from onceflow.engine.definition import compile_definition

from ...sql.play import Connection, Worker, execute, tick
from ..interpreter import End, Machine, RowView
from ..model import Rules
from .scripts import (
    Action,
    Claim,
    Complete,
    Discard,
    Fail,
    Operate,
    Redrive,
    Skip,
    Tick,
    apply,
)
from .scripts import (
    GiveBack as GiveBackOf,
)

Json = Any

ROWS = """
    select task, state, output, error ->> 'code', open, attempts
    from onceflow.tasks where instance_id = %s"""
END = """
    select state, output, error ->> 'code', error ->> 'task', suspended_by
    from onceflow.instances where id = %s"""
UNDONE = """
    select undone.step from onceflow.task t
    join onceflow.task undone on undone.instance_id = t.instance_id
        and undone.step = replace(t.step, '.compensate', '')
    where t.instance_id = %s and t.undoes_seq is not null and t.state in ('SUCCEEDED', 'SKIPPED')
    order by t.seq"""


class Engine:
    """One instance of a definition in the database, moved by the calls of ``scripts``."""

    def __init__(self, conn: Connection, worker: Worker, document: Json, given: Json) -> None:
        self.conn, self.worker = conn, worker
        self.grants: dict[str, Grant] = {}
        # What others left behind is of no concern, and a look at it is paid in every case.
        conn.execute("delete from onceflow.outbox")
        conn.execute("delete from onceflow.test_clock")
        ((self.began,),) = execute(conn, "select onceflow.now()").fetchall()
        self.turn(0)
        name = calls.register_workflow(conn, compile_definition(document)).name
        (started,) = calls.start_instances(conn, name, [given])
        assert started.outcome == "started"
        self.id: UUID = started.instance_id

    def turn(self, now: float) -> None:
        """Set the clock to so many seconds after the start."""
        assert isinstance(self.began, datetime)
        at = self.began + timedelta(seconds=now)
        self.conn.execute("select onceflow.set_clock(%s)", (at,))

    def apply(self, action: Action) -> object:
        """Make a call; return what operators are answered."""
        match action:
            case Claim(paths):
                granted = self.worker.claim(*map(self._key, paths))
                assert [grant.task for grant in granted] == sorted(paths)
                self.grants |= {grant.task: grant for grant in granted}
            case Complete(outputs):
                answers = calls.complete_tasks(
                    self.conn,
                    self.worker.id,
                    [
                        Completion(self.id, path, self.grants.pop(path).fence, output)
                        for path, output in outputs
                    ],
                )
                assert {answer.answer for answer in answers} == {"accepted"}
            case Fail(paths, failure):
                error: Json = {"code": failure.code, "message": "it failed"}
                if failure.unknown:
                    error["unknown"] = True
                failures = [
                    FailureOfTask(
                        self.id, path, self.grants.pop(path).fence, error, failure.retryable
                    )
                    for path in paths
                ]
                answers = calls.fail_tasks(self.conn, failures)
                assert {answer.answer for answer in answers} == {"accepted"}
            case GiveBackOf(paths, started):
                items = [
                    GiveBack(self.id, path, self.grants.pop(path).fence, started) for path in paths
                ]
                answers = calls.give_back_tasks(self.conn, items)
                assert {answer.answer for answer in answers} == {"accepted"}
            case Tick(now):
                self.turn(now)
                tick(self.conn)
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
        return Key(self.id, path)

    def rows(self) -> dict[str, RowView]:
        """Return all rows, as the interpreter gives them."""
        found = execute(self.conn, ROWS, self.id).fetchall()
        return {task: RowView(*rest) for task, *rest in sorted(found)}

    def due(self) -> list[str]:
        """Return what a worker may claim."""
        return [path for path, row in self.rows().items() if row.state == "QUEUED"]

    def undone(self) -> list[str]:
        """Return what was undone, in that order."""
        return [step for (step,) in execute(self.conn, UNDONE, self.id).fetchall()]

    def end(self) -> End:
        """Return what has become of it."""
        row = execute(self.conn, END, self.id).fetchone()
        assert row is not None
        return End(*row)


class Pair:
    """An instance of the interpreter and one of the engine."""

    def __init__(self, engine: Engine, document: Json, given: Json, rules: Rules) -> None:
        self.engine = engine
        self.machine = Machine(document, rules)
        self.machine.start(given)
        self.compare("start")

    def apply(self, action: Action) -> None:
        """Make a call of both, and compare what follows."""
        expected = apply(self.machine, action)
        answered = self.engine.apply(action)
        if isinstance(action, Operate | Redrive | Skip | Discard):
            assert answered == expected, f"{action} is answered {answered}, not {expected}"
        self.compare(action)

    def compare(self, after: object) -> None:
        """Assert that both say the same: the rows, what is due, what is undone, the end."""
        machine, engine = self.machine, self.engine
        rows, expected = engine.rows(), machine.rows()
        differ = {
            path: (rows.get(path), expected.get(path))
            for path in sorted({*rows, *expected})
            if rows.get(path) != expected.get(path)
        }
        assert not differ, f"after {after}, of engine and interpreter: {differ}"
        assert engine.end() == machine.end(), f"after {after}"
        assert engine.due() == sorted(machine.due()), f"after {after}"
        assert engine.undone() == machine.undone(), f"after {after}"


__all__ = ["Engine", "Pair"]
