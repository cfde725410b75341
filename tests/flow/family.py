"""A family: an instance, what its steps start, and what these tell each other.

Paths of a child stand behind that of the row that started it: ``ship(0)/pack``, (1) once it was
redriven. After each call all that was sent is applied.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from .definition import Document, Step
from .forms import Answered, Changed, open_forms
from .interpreter import End, Failure, Machine, Outcome, RowView
from .model import BEGAN, Answer, Delivery, Row, Signal
from .waiting import Sent, SentEvent, waits

Json = Any


def owner(path: str) -> str:
    """Return the instance that a path lies in, by its prefix."""
    return path[: path.rfind(")/") + 2] if ")/" in path else ""


class Family:
    """Instances of definitions, of which the first is started, and the others by steps.

    Definitions of one name are its versions, in their order. ``keys``: which instance has one, and
    with which input. ``machines``: those that have begun, by their prefixes, the first under "".
    """

    def __init__(self, *definitions: Document, began: datetime = BEGAN) -> None:
        self.definitions: dict[str, list[Document]] = {}
        for document in definitions:
            self.definitions.setdefault(document["name"], []).append(document)
        self.keys: dict[tuple[str, str], tuple[str, Json]] = {}
        self.began = began
        self.machines = {"": Machine(definitions[0], began)}

    @property
    def root(self) -> Machine:
        return self.machines[""]

    @property
    def now(self) -> float:
        return self.root.instance.now

    def start(self, given: Json = None) -> None:
        self.root.start(given)
        self._settle()

    def claim(self, paths: Iterable[str]) -> None:
        for machine, own in self._shared(paths):
            machine.claim(own)

    def answer(self, answers: Mapping[str, "Json | Failure"]) -> None:
        for machine, own in self._shared(answers):
            machine.answer({path: answers[path] for path in own})
        self._settle()

    def give_back(self, paths: Iterable[str], *, started: bool = False) -> None:
        for machine, own in self._shared(paths):
            machine.give_back(own, started=started)
        self._settle()

    def tick(self, now: float) -> None:
        """Turn the clock on: for all what is due fires, then deadlines, then what is told."""
        for machine in self.machines.values():
            machine.fire(now)
        for machine in self.machines.values():
            machine.enforce_deadline()
        self._settle()
        for machine in self.machines.values():
            machine.remind()

    def suspend(self, who: str = "") -> Outcome:
        return self.machines[who].suspend()

    def resume(self, who: str = "") -> Outcome:
        answer = self.machines[who].resume()
        self._settle()
        return answer

    def cancel(self, who: str = "") -> Outcome:
        answer = self.machines[who].cancel()
        self._settle()
        return answer

    def redrive(self, path: str, value: Json = None) -> Outcome:
        answer = self.machines[owner(path)].redrive(path, value)
        self._settle()
        return answer

    def skip(self, path: str, output: Json = None) -> Outcome:
        answer = self.machines[owner(path)].skip(path, output)
        self._settle()
        return answer

    def discard(self, paths: Sequence[str]) -> list[Outcome]:
        """Give dead letters up, those of one instance together."""
        answers: dict[str, Outcome] = {}
        for machine, own in self._shared(paths):
            answers |= dict(zip(own, machine.discard(own), strict=True))
        self._settle()
        return [answers[path] for path in paths]

    def signal(self, *signals: Signal, who: str = "") -> list[Sent]:
        answers = self.machines[who].signal(*signals)
        self._settle()
        return answers

    def answer_forms(self, answers: Sequence[Answer]) -> list[Answered]:
        """Answer forms, in one call."""
        told: dict[int, Answered] = {}
        for who, machine in list(self.machines.items()):
            own = [n for n, answer in enumerate(answers) if owner(answer.path) == who]
            if own:
                parts = machine.answer_forms([answers[n] for n in own])
                told |= dict(zip(own, parts, strict=True))
        self._settle()
        return [told[n] for n in range(len(answers))]

    def change_form(self, verb: str, path: str, by: str, to: Sequence[str] = ()) -> Changed:
        return self.machines[owner(path)].change_form(verb, path, by, to)

    def send_event(self, name: str, key: str, payload: Json, event_id: str) -> SentEvent:
        """Send an event to all; those that begin later may take it too."""
        answers: list[SentEvent] = [
            machine.send_event(name, key, payload, event_id) for machine in self.machines.values()
        ]
        self._settle()
        return answers[0]

    # What can be seen

    def all_rows(self) -> list[Row]:
        """Return the rows of all."""
        return [row for machine in self.machines.values() for row in machine.instance.rows()]

    def waits(self) -> list[Row]:
        """Return what waits for a signal or an event, in each instance that which began first."""
        return [row for machine in self.machines.values() for row in waits(machine.instance)]

    def forms(self) -> list[Row]:
        """Return the open forms."""
        return [row for machine in self.machines.values() for row in open_forms(machine.instance)]

    def held(self) -> list[str]:
        """Return which instances an operator holds."""
        return [who for who, machine in self.machines.items() if machine.instance.held]

    def rows(self) -> dict[str, RowView]:
        found: dict[str, RowView] = {}
        for machine in self.machines.values():
            found |= machine.rows()
        return found

    def state(self, path: str) -> str | None:
        row = self.rows().get(path)
        return None if row is None else row.state

    def due(self) -> list[str]:
        return [path for machine in self.machines.values() for path in machine.due()]

    def running(self) -> list[str]:
        return [path for machine in self.machines.values() for path in machine.running()]

    def dead_letters(self) -> list[str]:
        return [path for machine in self.machines.values() for path in machine.dead_letters()]

    def timers(self) -> list[float]:
        return sorted(time for machine in self.machines.values() for time in machine.timers())

    def end(self) -> End:
        """Return what has become of the first."""
        return self.root.end()

    def ended(self) -> bool:
        """Tell whether all have come to their ends."""
        return all(machine.ended for machine in self.machines.values())

    # Inside

    def _shared(self, paths: Iterable[str]) -> list[tuple[Machine, list[str]]]:
        """Return the paths by the instances that they lie in."""
        parts = groupby(sorted(paths, key=owner), key=owner)
        return [(self.machines[who], list(own)) for who, own in parts]

    def _settle(self) -> None:
        """Apply what was sent, and what follows from it, until nothing is left.

        What is to start does so first: of what cannot, others that hear something hear at once.
        """
        while sent := self._take_sent():
            for deliveries in sent.values():
                if deliveries[0].what == "start":
                    self._begin(deliveries)
            for to, more in self._take_sent(of=list(sent)).items():
                sent[to] += more
            for to, deliveries in sent.items():
                if deliveries[0].what != "start" and to in self.machines:
                    self.machines[to].deliver(deliveries)

    def _take_sent(self, of: Sequence[str] | None = None) -> dict[str, list[Delivery]]:
        """Return what was sent and is not applied yet, by whom it is for: of these, or of all."""
        sent: dict[str, list[Delivery]] = {}
        for machine in self.machines.values():
            taken = [d for d in machine.instance.sent if of is None or d.to in of]
            for delivery in taken:
                machine.instance.sent.remove(delivery)
                sent.setdefault(delivery.to, []).append(delivery)
        return sent

    def _definition(self, step: Step) -> Document | None:
        """Return what a step starts: the latest version, or the one that it names."""
        versions = self.definitions.get(step.workflow, [])
        if step.version is None:
            return versions[-1] if versions else None
        return versions[step.version - 1] if step.version <= len(versions) else None

    def _begin(self, deliveries: Sequence[Delivery]) -> None:
        """Start an instance, if it was not told to end since."""
        start = deliveries[0]
        row, parent = start.row, self.machines[start.sender].instance
        document = self._definition(row.step)
        error = {"code": "cancelled"} if len(deliveries) > 1 else None
        if error is None and document is None:
            error = {"code": "workflow.unknown"}
        given: Json = row.input
        if error is None and not isinstance(given, dict):
            error = {"code": "workflow.input"}
        key = None if row.child_key is None else (row.step.workflow, row.child_key)
        if error is None and key is not None and key in self.keys:
            named, before = self.keys[key]
            if row.step.detach and before == given:
                row.children -= 1
                parent.sent.append(
                    Delivery(start.sender, "end", row, start.to, {"instance": named})
                )
                return
            error = {"code": "workflow.key"}
        if error is not None:
            # The next is the first that begins.
            row.children -= 1
        elif document is not None:
            if key is not None:
                self.keys[key] = (start.to, given)
            machine = Machine(document, self.began, start.to)
            self.machines[start.to] = machine
            machine.instance.now = parent.now
            machine.instance.events = list(self.root.instance.events)
            machine.instance.answers = None if row.step.detach else row
            machine.start(given)
        if error is not None or row.step.detach:
            output = {"instance": start.to} if error is None else None
            parent.sent.append(Delivery(start.sender, "end", row, start.to, output, error))
