"""A machine that runs one instance by the page, call by call.

It is plain and slow: each call is a transition, looked for in all rows, and nothing is kept that
could be read off them. It knows no cuts, no leases, no messages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from .attempts import fail_attempt, fire_timer, is_stopping
from .children import hear, reopen
from .closing import close_instance
from .definition import Document, read_workflow
from .forms import Answered, Changed, answer_forms, change_form, open_forms, remind
from .making import begin, begin_resting, may_redrive
from .model import BEGAN, ENDED, Answer, Delivery, Error, Event, Instance, Row, Scope, Signal
from .waiting import Sent, SentEvent, deliver_event, send_signal, take_kept, waits
from .waves import OUTPUT, run

Json = Any
Outcome: TypeAlias = Literal["done", "refused"]


@dataclass(frozen=True)
class Failure:
    """How an attempt failed; ``unknown``: its effect may have happened."""

    code: str = "bad"
    retryable: bool = False
    unknown: bool = False


class RowView(NamedTuple):
    """A row as it is compared."""

    state: str
    output: Json
    code: str | None
    open: bool
    attempt: int


class End(NamedTuple):
    """What an instance has come to; ``task`` is where the failure lay that closed it."""

    state: str
    output: Json
    code: str | None
    task: str | None
    suspended_by: str | None


class Machine:
    """One instance of one definition. Times are seconds from its start, which is ``began``."""

    def __init__(self, definition: Document, began: datetime = BEGAN, prefix: str = "") -> None:
        self.workflow = read_workflow(definition)
        root = Scope(None, 0, self.workflow.branch, state="OPEN", prefix=prefix)
        self.instance = Instance(self.workflow, None, root, began=began)

    # Calls

    def start(self, given: Json = None) -> None:
        """Start it with an input."""
        instance = self.instance
        instance.input = {} if given is None else given
        if self.workflow.deadline is not None:
            instance.deadline_at = instance.now + self.workflow.deadline
        instance.seq = 1
        run(instance)

    def claim(self, paths: Iterable[str]) -> None:
        """Give tasks to a worker: no transition, and each must be QUEUED."""
        for row in self._find(paths, "QUEUED"):
            row.state, row.attempt = "RUNNING", row.attempt + 1
            timeout = row.step.timeout if row.undoes is None else None
            row.due_at = None if timeout is None else self.instance.now + timeout

    def answer(self, answers: Mapping[str, "Json | Failure"]) -> None:
        """Answer RUNNING tasks together: each with an output, or with how it failed."""
        self._begin()
        for row in self._find(answers, "RUNNING"):
            answer = answers[row.path]
            if isinstance(answer, Failure):
                error: Error = {"code": answer.code}
                fail_attempt(self.instance, row, error, answer.retryable, answer.unknown)
            else:
                self.instance.end(row, "SUCCEEDED", answer)
        run(self.instance)

    def give_back(self, paths: Iterable[str], *, started: bool = False) -> None:
        """Have tasks returned undone; ``started``: their effects may have happened."""
        self._begin()
        for row in self._find(paths, "RUNNING"):
            row.extra += 1
            row.unknown = row.unknown or started
            row.due_at = None
            if is_stopping(row):
                self.instance.end(row, "CANCELLED")
            else:
                row.come_due(self.instance.now, anew=False)
        run(self.instance)

    def tick(self, now: float) -> None:
        """Turn the clock on to ``now``: what is due by then fires together, then the deadline."""
        self.fire(now)
        self.enforce_deadline()
        self.remind()

    def remind(self) -> None:
        remind(self.instance)

    def fire(self, now: float) -> None:
        """Do what is due by ``now``."""
        instance = self.instance
        instance.now = now
        self._begin()
        for row in instance.rows():
            if row.open:
                fire_timer(instance, row)
        run(instance)

    def enforce_deadline(self) -> None:
        """Have it end, if it has had a deadline."""
        instance = self.instance
        if instance.deadline_at is not None and instance.deadline_at <= instance.now:
            self._begin()
            policy = self.workflow.on_failure
            closing_as = "FAILED" if policy == "fail" else "COMPENSATED"
            close_instance(instance, closing_as, {"code": "deadline"}, lifts=True)
            begin_resting(instance)
            run(instance)

    def suspend(self) -> Outcome:
        """Hold it: what runs is finished, and nothing else is given out until it is resumed."""
        instance = self.instance
        if instance.state not in ("RUNNING", "COMPENSATING"):
            return "refused"
        self._begin()
        instance.held = True
        run(instance)
        return "done"

    def resume(self) -> Outcome:
        """Lift an operator's hold."""
        instance = self.instance
        if not instance.held:
            return "refused"
        self._begin()
        instance.held = False
        begin_resting(instance)
        run(instance)
        return "done"

    def cancel(self) -> Outcome:
        """Begin its end: what runs is awaited, what was done is undone."""
        if self.instance.state != "RUNNING":
            return "refused"
        self._begin()
        close_instance(self.instance, "CANCELLED", None, lifts=True)
        begin_resting(self.instance)
        run(self.instance)
        return "done"

    def redrive(self, path: str, value: Json = None) -> Outcome:
        """Try a dead letter again: with its input, or with what an expression should have given."""
        row = self._dead_letter(path)
        if row is None or not may_redrive(self.instance, row, value):
            return "refused"
        self._begin()
        if row.step.kind in ("task", "notice"):
            row.input = row.input if value is None else value
            row.has_input, row.extra = True, row.attempt
            row.come_due(self.instance.now, anew=True)
            row.asked = row.wrong = None
        elif row.step.id == OUTPUT:
            self.instance.end(row, "SUCCEEDED", value)
        elif row.wrong is None:
            begin(self.instance, row, row.input if value is None else value, "value")
            take_kept(self.instance)
        else:
            begin(self.instance, row, value, row.wrong)
            take_kept(self.instance)
        run(self.instance)
        return "done"

    def skip(self, path: str, output: Json = None) -> Outcome:
        """Take a dead letter for done, with an output."""
        row = self._dead_letter(path)
        if row is None:
            return "refused"
        self._begin()
        self.instance.end(row, "SKIPPED", output)
        run(self.instance)
        return "done"

    def discard(self, paths: Sequence[str]) -> list[Outcome]:
        """Give dead letters up, judged together; what they would have undone stays as it is."""
        rows = [self._dead_letter(path) for path in paths]
        self._begin()
        for row in {row: None for row in rows if row is not None}:
            if row.undoes is not None:
                self.instance.end(row, "DEAD_LETTER")
                self.instance.given_up = True
            elif not row.is_forward:
                self.instance.end(row, "DEAD_LETTER")
            else:
                self.instance.failing.append(row)
        run(self.instance)
        return ["refused" if row is None else "done" for row in rows]

    def signal(self, *signals: Signal) -> list[Sent]:
        """Send it signals, in one call: each ends a wait, or is kept."""
        self._begin()
        answers: list[Sent] = [send_signal(self.instance, signal) for signal in signals]
        run(self.instance)
        return answers

    def send_event(self, name: str, key: str, payload: Json, event_id: str) -> SentEvent:
        """Send an event to all who wait for it; sent again by its id it is no second one."""
        instance = self.instance
        if any((e.name, e.key, e.id) == (name, key, event_id) for e in instance.events):
            return "repeated"
        event = Event(name, key, payload, event_id, instance.now)
        instance.events.append(event)
        self._begin()
        deliver_event(instance, event)
        run(instance)
        return "sent"

    def answer_forms(self, answers: Sequence[Answer]) -> list[Answered]:
        """Answer forms, in one call."""
        self._begin()
        told = answer_forms(self.instance, answers)
        run(self.instance)
        return told

    def change_form(self, verb: str, path: str, by: str, to: Sequence[str] = ()) -> Changed:
        """Claim, release or reassign a form: no transition."""
        return change_form(self.instance, verb, path, by, to)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Apply what other instances have sent: ends together, then a cancel, then an undo."""
        instance = self.instance
        ends = [delivery for delivery in deliveries if delivery.what == "end"]
        if ends:
            self._begin()
            for end in sorted(ends, key=lambda end: end.row.key):
                hear(instance, end)
            run(instance)
        told = {delivery.what: delivery.row for delivery in deliveries}
        if "cancel" in told:
            self.cancel()
        if "undo" in told:
            self._begin()
            instance.answers = told["undo"]
            if instance.state == "SUCCEEDED":
                reopen(instance)
            run(instance)

    # What can be seen

    def rows(self) -> dict[str, RowView]:
        """Return all rows by their paths."""
        return {
            row.path: RowView(
                row.state,
                row.output,
                None if row.error is None else row.error["code"],
                row.open,
                row.attempt,
            )
            for row in self.instance.rows()
        }

    def state(self, path: str) -> str | None:
        """Return the state of a row; None where there is none."""
        row = self.rows().get(path)
        return None if row is None else row.state

    def scopes(self) -> dict[str, str]:
        """Return the states of scopes by their paths, without scope 0."""
        return {
            scope.path.removesuffix("/"): scope.state
            for scope in self.instance.scopes()
            if scope.block is not None
        }

    def due(self) -> list[str]:
        """Return what a worker may claim."""
        return [row.path for row in self.instance.rows() if row.state == "QUEUED"]

    def running(self) -> list[str]:
        """Return what a worker holds."""
        return [row.path for row in self.instance.rows() if row.state == "RUNNING"]

    def dead_letters(self) -> list[str]:
        """Return what waits for a person."""
        return [row.path for row in self.instance.dead_letters]

    def waits(self) -> dict[str, tuple[str, str | None]]:
        """Return what waits for which signal, or for which event of which key, by path."""
        return {
            row.path: (row.step.signal or row.step.event or "", row.event_key)
            for row in sorted(waits(self.instance), key=lambda row: row.key)
        }

    def forms(self) -> dict[str, tuple[list[str], str | None, float | None]]:
        """Return the open forms: who is asked, who has claimed it, when they are reminded."""
        return {
            row.path: (row.people, row.claimed_by, row.remind_at)
            for row in open_forms(self.instance)
        }

    def kept(self) -> list[tuple[str, Json]]:
        """Return the signals that nobody has waited for, the oldest first."""
        return [(signal.name, signal.payload) for signal in self.instance.kept]

    def timers(self) -> list[float]:
        """Return when the clock has something to do, the earliest first."""
        times = [time for row in self.instance.rows() if row.open for time in row.times]
        return sorted(time for time in [*times, self.instance.deadline_at] if time is not None)

    def undone(self) -> list[str]:
        """Return what was undone, in that order."""
        return list(self.instance.undone)

    @property
    def ended(self) -> bool:
        return self.instance.state in ENDED

    def end(self) -> End:
        """Return what has become of it."""
        instance = self.instance
        error = instance.error or {}
        return End(
            instance.state,
            instance.output,
            error.get("code"),
            error.get("task"),
            instance.suspended_by,
        )

    # Inside

    def _begin(self) -> None:
        self.instance.seq += 1

    def _find(self, paths: Iterable[str], state: str) -> list[Row]:
        by_path = {row.path: row for row in self.instance.rows()}
        rows = sorted((by_path[path] for path in paths), key=lambda row: row.key)
        assert all(row.state == state for row in rows), f"not all of {list(paths)} are {state}"
        return rows

    def _dead_letter(self, path: str) -> Row | None:
        return next((row for row in self.instance.dead_letters if row.path == path), None)
