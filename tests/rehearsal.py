"""Workflows of the documents, carried out to their end with plain functions for their tasks.

What comes due is claimed, answered and timed by the calls of a real worker and a real clock; time
goes on to the next timer where nothing else is left to do.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Deferral, Failure, Grant, Key
from onceflow.engine.definition import compile_definition, parse

from .sql.play import Worker, tick

Json = Any
Handler = Callable[[Json], Json]
ENDED = ("SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED")


class Fails(Exception):
    """What a handler raises that fails: its code and message, and whether it is tried again."""

    def __init__(self, code: str, message: str = "it failed", *, again: bool = False) -> None:
        super().__init__(code)
        self.error = {"code": code, "message": message}
        self.again = again


class Hangs(Exception):
    """What a handler raises that runs until it is told to stop."""


class Waits(Exception):
    """What a handler raises that is answered from outside, within a day."""


class Stage:
    """A database, and the one worker that all instances of a module of tests share."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self._workers: dict[tuple[str, ...], Worker] = {}

    def begin(
        self,
        text: str,
        given: Json = None,
        handlers: Mapping[str, Handler] | None = None,
        others: Sequence[str] = (),
    ) -> "Rehearsal":
        """Register a definition, and others that it starts, and start an instance of it."""
        for other in others:
            calls.register_workflow(self.conn, compile_definition(parse(other, "yaml")))
        compiled = compile_definition(parse(text, "yaml"))
        calls.register_workflow(self.conn, compiled)
        (started,) = calls.start_instances(self.conn, compiled["name"], [given or {}])
        return Rehearsal(self, started.instance_id, handlers or {})

    def worker(self, tasks: Sequence[str]) -> Worker:
        """Return the worker that has these tasks."""
        key = tuple(sorted(tasks))
        if key not in self._workers:
            self._workers[key] = Worker(self.conn, tasks=key, lease=3600)
        return self._workers[key]


FAMILY = "(select i.id from onceflow.instances i where coalesce(i.root_id, i.id) = %(id)s)"


class Rehearsal:
    """One instance, and what its steps start; a task without a function gives null."""

    def __init__(self, stage: Stage, instance_id: UUID, handlers: Mapping[str, Handler]) -> None:
        self.id, self.conn, self.handlers = instance_id, stage.conn, handlers
        rows = self.conn.execute(
            "with recursive family as (select version_id from onceflow.instance where id = %s union"
            " select v.id from family f join onceflow.step s using (version_id)"
            " join onceflow.workflow w on w.name = s.spec ->> 'workflow'"
            " join onceflow.workflow_version v on v.workflow_id = w.id)"
            " select distinct s.handler from onceflow.step s join family using (version_id)"
            " where s.handler is not null",
            (instance_id,),
        ).fetchall()
        self._worker = stage.worker([handler for (handler,) in rows])
        self.done: list[tuple[str, Json]] = []
        """Each task that was carried out, with its input, in order."""
        self._hanging: list[Grant] = []
        self._tokens: dict[str, str] = {}

    def play(self, together: int = 1) -> tuple[str, Json]:
        """Carry out all that comes due, so many at a time; return state and output of the end."""
        while (found := self.look())[0] not in ENDED:
            self.advance(together)
        assert calls.check_instances(self.conn) == []
        return found

    def advance(self, together: int = 1) -> None:
        """Carry out what is due, else let time pass, else let what hangs stop."""
        if not (self.step(together) or self._pass_time()):
            self._stop()

    def step(self, together: int = 1) -> bool:
        """Carry out what is due first; tell whether there was anything."""
        self._deliver()
        rows = self.conn.execute(
            f"select instance_id, task from onceflow.tasks where instance_id in {FAMILY}"
            " and state = 'QUEUED' order by instance_id <> %(id)s, seq, scope, task"
            " limit %(together)s",
            {"id": self.id, "together": together},
        ).fetchall()
        if rows:
            self._answer(self._worker.claim(*(Key(*row) for row in rows)))
            self._deliver()
        return bool(rows)

    def answer(self, task: str, output: Json) -> str:
        """Complete from outside a task that waits for that; return what was answered."""
        return calls.complete_deferred_tasks(self.conn, [self._tokens[task]], [output])[0].answer

    def refuse(self, task: str, code: str, message: str) -> str:
        """Fail from outside, for good, a task that waits for that; return what was answered."""
        error = {"code": code, "message": message}
        tokens = [self._tokens[task]]
        return calls.fail_deferred_tasks(self.conn, tokens, [error], [False])[0].answer

    def look(self) -> tuple[str, Json]:
        """Return the instance's state and output."""
        (row,) = self.conn.execute(
            "select state, output from onceflow.instances where id = %s", (self.id,)
        ).fetchall()
        return row

    def error(self) -> Json:
        """Return why the instance failed."""
        (row,) = self.conn.execute(
            "select error from onceflow.instances where id = %s", (self.id,)
        ).fetchall()
        return row[0]

    def names(self) -> list[str]:
        """Return the tasks that were carried out, in order."""
        return [handler for handler, _ in self.done]

    def inputs(self, task: str) -> list[Json]:
        """Return what a task was given, each time that it was carried out."""
        return [given for handler, given in self.done if handler == task]

    def _answer(self, grants: Sequence[Grant]) -> None:
        done: list[Completion] = []
        failed: list[Failure] = []
        for grant in grants:
            key = (grant.instance_id, grant.task, grant.fence)
            self.done.append((grant.handler, grant.input))
            try:
                output = self.handlers.get(grant.handler, lambda _: None)(grant.input)
                done.append(Completion(*key, output))
            except Fails as fault:
                failed.append(Failure(*key, fault.error, fault.again))
            except Hangs:
                self._hanging.append(grant)
            except Waits:
                self._tokens[grant.handler] = calls.token_of(*key)
                calls.defer_tasks(self.conn, [Deferral(*key, timeout=86_400)])
        if done:
            calls.complete_tasks(self.conn, self._worker.id, done)
        if failed:
            calls.fail_tasks(self.conn, failed)

    def _pass_time(self) -> bool:
        """Go on to the next timer of the instance; tell whether there was one."""
        (row,) = self.conn.execute(
            f"select least((select min(due_at) from onceflow.task where instance_id in {FAMILY}),"
            f" (select min(due_at) from onceflow.block where instance_id in {FAMILY}))",
            {"id": self.id},
        ).fetchall()
        if row[0] is not None:
            self.conn.execute("select onceflow.set_clock(greatest(%s, onceflow.now()))", row)
            tick(self.conn)
            self._deliver()
        return row[0] is not None

    def _deliver(self) -> None:
        """Apply what instances of the family tell each other."""
        while calls.apply_deliveries(self.conn, 1000):
            pass

    def _stop(self) -> None:
        """Let what hangs end as it was told; nobody knows then what it has done."""
        states = self.conn.execute(
            "select task, state from onceflow.tasks where instance_id = %s", (self.id,)
        ).fetchall()
        assert self._hanging, f"nothing is due, and nothing waited for: {states}"
        error = {"code": "task.cancelled", "message": "told to stop", "unknown": True}
        keys = [(one.instance_id, one.task, one.fence) for one in self._hanging]
        calls.fail_tasks(self.conn, [Failure(*key, error, True) for key in keys])
        self._hanging.clear()


def always(**outputs: Json) -> dict[str, Handler]:
    """Return handlers that give these outputs: ``a__b`` is the task ``a.b``."""
    return {name.replace("__", "."): lambda _, give=give: give for name, give in outputs.items()}


def refuse(code: str, message: str = "it failed") -> Handler:
    """Return a handler that fails for good."""

    def fail(_: Json) -> Json:
        raise Fails(code, message)

    return fail
