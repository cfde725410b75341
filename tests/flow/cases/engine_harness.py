"""The engine beside the interpreter: each call is made of both, and then both must say the same."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Grant, Key
from onceflow.engine.calls import Failure as FailureOfTask
from onceflow.engine.calls import GiveBack as GiveBackOfTask
from onceflow.engine.definition import compile_definition
from onceflow.engine.ids import make_ids

from ...sql.play import Connection, Worker, tick
from ..family import Family, owner
from ..interpreter import End, Machine, RowView
from .actions import (
    Action,
    AnswerForms,
    ChangeForm,
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
CHILDREN = """
select c.instance_id, c.parent_id, onceflow.task_name(c.step, c.scope, c.visit)
from onceflow.child c where c.parent_id = any (%s) and c.instance_id <> all (%s) order by c.n"""
"""Instances that these have started."""


class Engine:
    """One instance of a definition in the database, and its family, moved by a script's calls.

    ``snapshots`` are what the database has had of each at the last ``look``, by their prefixes.
    """

    def __init__(self, conn: Connection, worker: "Hand", document: Json, *children: Json) -> None:
        self.conn, self.worker = conn, worker
        self.has_children = bool(children)
        self.snapshots: dict[str, Snapshot] = {}
        self.grants: dict[str, Grant] = {}
        worker.keep_alive()
        # What others left behind is of no concern, and a look at it is paid in every case.
        conn.execute("delete from onceflow.outbox")
        conn.execute("delete from onceflow.event")
        # Plans for one instance would not be worth their planning.
        conn.execute("set plan_cache_mode = force_generic_plan")
        self.began = datetime.now(UTC).replace(microsecond=0)
        self.turn(0)
        # Versions are counted in all the database, and those of a case from its first.
        self.versions: dict[str, list[int]] = {}
        for part in sorted(children, key=lambda part: part["name"]):
            self._register(part)
        self.workflow = self._register(document)
        self.ids = {"": make_ids(1)[0]}
        self.completed = 0

    def _register(self, document: Json) -> str:
        """Register a workflow; the versions that it names are those of this case."""
        compiled = compile_definition(self._with_versions(document))
        registered = calls.register_workflow(self.conn, compiled)
        self.versions.setdefault(registered.name, []).append(registered.version)
        return registered.name

    def _with_versions(self, part: Json) -> Json:
        if isinstance(part, list):
            return [self._with_versions(item) for item in part]  # pyright: ignore
        if not isinstance(part, dict):
            return part
        made: Json = {key: self._with_versions(item) for key, item in part.items()}  # pyright: ignore
        if "workflow" in made and "version" in made:
            known = self.versions.get(made["workflow"], [])
            n = made["version"]
            made["version"] = known[n - 1] if n <= len(known) else 1_000_000
        return made

    def start(self, given: Json) -> None:
        """Start the instance."""
        ids = list(self.ids.values())
        (started,) = calls.start_instances(self.conn, self.workflow, [given], ids=ids)
        assert started.outcome == "started", started
        self.deliver()

    def deliver(self) -> None:
        """Apply what was sent, and what is sent then."""
        while calls.apply_deliveries(self.conn, 1000):
            pass

    def turn(self, now: float) -> None:
        """Set the clock to so many seconds after the start."""
        at = self.began + timedelta(seconds=now)
        self.conn.execute("select onceflow.set_clock(%s)", (at,))

    def look(self, *, afresh: bool = False) -> dict[str, Snapshot]:
        """Read what the database has of all; what ended blocks give is read again ``afresh``."""
        looked: dict[str, Snapshot] = {}
        for prefix in (unread := list(self.ids)):
            before = None if afresh else self.snapshots.get(prefix)
            looked[prefix] = Snapshot(self.conn, self.ids[prefix], before, prefix)
            if self.has_children:
                unread += self._find_children(prefix, looked[prefix])
        self.snapshots = looked
        return looked

    def _find_children(self, prefix: str, of: Snapshot) -> list[str]:
        """Note what an instance has started since the last look; return the prefixes."""
        known = list(self.ids.values())
        found = self.conn.execute(CHILDREN, ([self.ids[prefix]], known)).fetchall()
        made: list[str] = []
        paths = {task: path for path, task in of.names.items()}
        for child, _, task in found:
            before = f"{paths[task]}("
            number = sum(1 for name in self.ids if name[: name.rfind("(") + 1] == before)
            made.append(f"{paths[task]}({number})/")
            self.ids[made[-1]] = child
        return made

    @property
    def snapshot(self) -> Snapshot:
        """What the database has had of the first at the last look."""
        return self.snapshots[""]

    def erase(self) -> None:
        """Remove it: one that was left in the middle would be met by every turn of the clock."""
        ids = list(self.ids.values())
        for table in TABLES:
            column = "id" if table == "instance" else "instance_id"
            self.conn.execute(f"delete from onceflow.{table} where {column} = any (%s)", (ids,))  # pyright: ignore

    def apply(self, action: Action) -> object:
        """Make a call; return what operators and senders are answered."""
        answered = self._make(action)
        self.deliver()
        return answered

    def _make(self, action: Action) -> object:
        match action:
            case Claim(paths):
                granted = self.worker.take_all([self._key(path) for path in paths])
                assert len(granted) == len(paths), f"{paths} are claimed, {granted} granted"
                for path in paths:
                    self.grants[path] = granted[self._key(path)]
            case Complete(outputs):
                items = [Completion(*self._held(path), output) for path, output in outputs]
                count, self.completed = len(items), self.completed + 1
                if count == 1 and self.completed % 2:
                    # One alone goes a way of its own: beside what is nobody's it goes that of sets.
                    items.append(Completion(make_ids(1)[0], "nothing", uuid4(), None))
                _accepted(calls.complete_tasks(self.conn, self.worker.id, items)[:count])
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
            case Send(signals, who):
                sent = [calls.Signal(self.ids[who], s.name, s.payload, s.key) for s in signals]
                return [answer.outcome for answer in calls.send_signals(self.conn, sent)]
            case SendEvent():
                event = calls.NamedEvent(action.name, action.key, action.payload, action.id)
                (sent,) = calls.send_events(self.conn, [event])
                return sent.outcome
            case AnswerForms(answers):
                given = [
                    calls.FormAnswer(
                        self.ids[owner(a.path)],
                        self._key(a.path).task,
                        *(a.decision, a.by, a.answer, a.key),
                    )
                    for a in answers
                ]
                return [told.outcome for told in calls.answer_forms(self.conn, given)]
            case ChangeForm(verb, path, by, to):
                change = getattr(calls, f"{verb}_forms")
                (changed,) = change(self.conn, [self._key(path)], by, *([to] if to else []))
                return changed.outcome
            case _:
                return self._decide(action)
        return None

    def _decide(self, action: Action) -> object:
        match action:
            case Operate(name, who):
                (decided,) = getattr(calls, f"{name}_instances")(self.conn, [self.ids[who]])
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
        who = owner(path)
        return Key(self.ids[who], self.snapshots[who].names[path])

    def _held(self, path: str) -> tuple[UUID, str, UUID]:
        grant = self.grants.pop(path)
        return grant.instance_id, grant.task, grant.fence


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
            if self.conn.execute(statement, (self.ids[""],)).fetchone() != (True,):
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

    def take_all(self, keys: list[Key]) -> dict[Key, Grant]:
        """Claim tasks in one call; return what was granted."""
        claimed = calls.claim_tasks(self.conn, self.id, self.next_token(), self.call, keys)
        granted = [answer.grant for answer in claimed if answer.grant is not None]
        return {Key(grant.instance_id, grant.task): grant for grant in granted}


class Pair:
    """A family of the interpreter and one of the engine."""

    def __init__(self, engine: Engine, *documents: Json) -> None:
        self.engine = engine
        self.family = Family(*documents, began=engine.began)
        given = input_of(engine.began, engine.ids[""])
        engine.start(given)
        self.family.start(given)
        self.compare("start")

    @property
    def machine(self) -> Machine:
        """The first instance of the interpreter."""
        return self.family.root

    def apply(self, action: Action) -> None:
        """Make a call of both, and compare what follows."""
        expected = apply(self.family, action)
        answered = self.engine.apply(action)
        if not isinstance(action, Claim | Complete | Fail | GiveBack | Tick):
            assert answered == expected, f"{action} is answered {answered}, not {expected}"
        self.compare(action)

    def compare(self, after: object, *, afresh: bool = False) -> None:
        """Assert that both say the same of each: the rows, what is due, what is undone, the end."""
        found, machines = self.engine.look(afresh=afresh), self.family.machines
        self.names = {str(child): prefix for prefix, child in self.engine.ids.items()}
        rows = {path: row for who in found.values() for path, row in who.rows.items()}
        assert set(found) == set(machines), (
            f"{sorted(found)} have begun after {after}, not {sorted(machines)}: {rows}"
        )
        for who, machine in machines.items():
            self._compare(found[who], machine, after)

    def _compare(self, engine: Snapshot, machine: Machine, after: object) -> None:
        rows, expected = self._named(engine.rows), machine.rows()
        differ = {
            path: (rows.get(path), expected.get(path))
            for path in sorted({*rows, *expected})
            if rows.get(path) != expected.get(path)
        }
        assert not differ, f"{_about(differ)} after {after}, of engine and interpreter: {differ}"
        for what in ("scopes", "end", "due", "undone", "waits", "kept", "forms"):
            found, wanted = self._named(getattr(engine, what)), getattr(machine, what)()
            found = self._timed(found) if what == "forms" else found
            assert found == wanted, f"{what} differs after {after}: {found}, not {wanted}"
        engine.check()

    def _timed(self, forms: dict[str, Any]) -> dict[str, Any]:
        """Return forms with the seconds since the start for the times of their reminders."""
        began = self.engine.began.timestamp()
        return {
            path: (people, by, None if at is None else at - began)
            for path, (people, by, at) in forms.items()
        }

    def _named(self, told: Any) -> Any:
        """Return what the engine tells with the prefixes of instances for their ids."""
        if not self.engine.has_children:
            return told
        if isinstance(told, dict):
            return {key: self._named(part) for key, part in told.items()}  # pyright: ignore
        if isinstance(told, RowView | End):
            return type(told)(*(self._named(part) for part in told))
        if isinstance(told, list):
            return [self._named(part) for part in told]  # pyright: ignore
        return self.names.get(told, told) if isinstance(told, str) else told


def _about(differ: dict[str, tuple[RowView | None, RowView | None]]) -> str:
    """Return in what rows differ, without their names."""
    states = {
        f"{found.state if found else None}/{wanted.state if wanted else None}"
        for found, wanted in differ.values()
    }
    return f"rows are {', '.join(sorted(states))}"


__all__ = ["CutEngine", "Engine", "Hand", "Pair"]
