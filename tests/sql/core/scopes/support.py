"""An instance with blocks, moved by the paths of its tasks: `invoices[17]/render`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Failure, Grant, Key
from onceflow.engine.definition import compile_definition

from ...play import Play, pass_time, tick

Json = Any


class Blocks:
    """One instance; each call is made of all tasks that it names together."""

    def __init__(self, play: Play, *steps: Json, given: Json = None, **more: Json) -> None:
        self.play = play
        document = {"name": "blocks", "steps": list(steps), **more}
        self.id: UUID = play.start(play.deploy(compile_definition(document)), given)
        self.grants: dict[str, Grant] = {}

    def scopes(self) -> dict[str, str]:
        """Return the states of scopes by their paths."""
        return {path.removesuffix("/"): state for path, state in self._scopes().values() if path}

    def _scopes(self) -> dict[int, tuple[str, str]]:
        found = {0: ("", "")}
        rows = self.play.rows(
            "select scope, parent, block, ordinal, state from onceflow.scope"
            " where instance_id = %s order by scope",
            self.id,
        )
        for scope, parent, block, ordinal, state in rows:
            found[scope] = (f"{found[parent][0]}{block}[{ordinal}]/", state)
        return found

    def _paths(self) -> dict[str, tuple[str, str]]:
        """Return task and state of each row, by its path."""
        scopes = self._scopes()
        rows = self.play.rows(
            "select step || case when visit > 0 then '#' || visit else '' end, scope,"
            " onceflow.task_name(step, scope, visit), state"
            " from onceflow.task where instance_id = %s",
            self.id,
        )
        return {f"{scopes[scope][0]}{step}": (task, state) for step, scope, task, state in rows}

    def states(self) -> dict[str, str]:
        """Return the states of all tasks."""
        return {path: state for path, (_, state) in sorted(self._paths().items())}

    def state(self, path: str | None = None) -> str:
        """Return the state of a task, or of the instance."""
        return self.play.state(self.id) if path is None else self.states()[path]

    def due(self) -> list[str]:
        """Return what may be claimed."""
        return [path for path, state in self.states().items() if state == "QUEUED"]

    def take(self, *paths: str) -> None:
        """Claim tasks together."""
        tasks = {self._paths()[path][0]: path for path in paths}
        granted = self.play.worker.claim(*(Key(self.id, task) for task in tasks))
        assert len(granted) == len(paths), f"not all of {paths} are granted"
        self.grants |= {tasks[grant.task]: grant for grant in granted}

    def done(self, *paths: str, output: Json = None) -> None:
        """Complete tasks together, which are claimed first where they are not."""
        self.complete(dict.fromkeys(paths, output))

    def complete(self, outputs: Mapping[str, Json]) -> None:
        """Complete tasks together, each with its output."""
        self._hold(outputs)
        answers = calls.complete_tasks(
            self.play.conn,
            self.play.worker.id,
            [
                Completion(self.id, grant.task, grant.fence, output)
                for path, output in outputs.items()
                for grant in [self.grants.pop(path)]
            ],
        )
        assert {answer.answer for answer in answers} == {"accepted"}

    def fails(
        self, *paths: str, code: str = "bad", message: str = "it failed", unknown: bool = False
    ) -> None:
        """Fail tasks together, for good."""
        self._hold(dict.fromkeys(paths))
        error: Json = {"code": code, "message": message} | ({"unknown": True} if unknown else {})
        answers = calls.fail_tasks(
            self.play.conn,
            [
                Failure(self.id, grant.task, grant.fence, error, False)
                for path in paths
                for grant in [self.grants.pop(path)]
            ],
        )
        assert {answer.answer for answer in answers} == {"accepted"}

    def _hold(self, paths: Mapping[str, Json]) -> None:
        missing = [path for path in paths if path not in self.grants]
        if missing:
            self.take(*missing)

    def key(self, path: str) -> Key:
        """Return the key of a task."""
        return Key(self.id, self._paths()[path][0])

    def wait(self, interval: str) -> None:
        """Let time pass, and turn the clock."""
        pass_time(self.play.conn, interval)
        tick(self.play.conn)

    def output(self) -> Json:
        """Return the instance's output."""
        return self.play.instance(self.id, "output")[0]

    def undone(self) -> list[str]:
        """Return what was undone, in that order."""
        scopes = self._scopes()
        rows = self.play.rows(
            "select t.step || case when t.visit > 0 then '#' || t.visit else '' end, t.scope"
            " from onceflow.task t"
            " join onceflow.instance i on i.id = t.instance_id"
            " join onceflow.step s on s.version_id = i.version_id and s.step = t.step"
            " where t.instance_id = %s and s.kind = 'compensation'"
            " and t.state in ('SUCCEEDED', 'SKIPPED') order by t.seq, t.step, t.scope",
            self.id,
        )
        return [f"{scopes[scope][0]}{step.replace('.compensate', '')}" for step, scope in rows]


def task(name: str, given: Json = None, *, undo: bool = False, **more: Json) -> Json:
    """Return a task with its input, with a compensation where it can be undone."""
    made: Json = {"id": name, "task": "work", "with": given or {}, **more}
    return {**made, "compensate": {"task": "undo"}} if undo else made


def each(name: str, items: Json, *steps: Json, **more: Json) -> Json:
    """Return a for_each."""
    return {"id": name, "for_each": items, "steps": list(steps), **more}
