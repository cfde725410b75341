"""What the generated cases have met: kinds within kinds, who handled failures, calls by state."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from ..definition import Step
from ..family import Family, owner
from ..model import Instance, Row
from .actions import (
    Action,
    AnswerForms,
    ChangeForm,
    Fail,
    GiveBack,
    Operate,
    Send,
    SendEvent,
    targets,
)

Counts: TypeAlias = Counter[tuple[str, str]]


@dataclass
class Coverage:
    """Counts, of one run of the tests. Of each pair the first stands down, the second across."""

    cases: int = 0
    calls: Counts = field(default_factory=Counter[tuple[str, str]])
    beside: Counts = field(default_factory=Counter[tuple[str, str]])
    kinds: Counts = field(default_factory=Counter[tuple[str, str]])
    ends: Counts = field(default_factory=Counter[tuple[str, str]])
    handled: Counts = field(default_factory=Counter[tuple[str, str]])
    lengths: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    """Of each case its calls, rows and levels of blocks."""
    made: int = 0
    """Calls of the case under way."""

    def note_call(self, family: Family, action: Action) -> None:
        """Count a call about to be made, by the state of each row that it is about, or is open."""
        self.made += 1
        name, paths = _name(action), [*targets(action), *_awaiting(family, action)]
        who = action.who if isinstance(action, Operate | Send) else ""
        for prefix, machine in family.machines.items():
            about = machine.instance.state + (", held" if machine.instance.held else "")
            kin = "child" if prefix else "instance"
            if not paths and prefix == who:
                self.calls[f"{kin} {about}", name] += 1
            for row in machine.instance.rows():
                if row.path in paths:
                    self.calls[f"{_kind(row)} in {row.scope.state} / {about}", name] += 1
                elif row.open:
                    self.beside[f"{_kind(row)} {row.state} in {row.scope.state}", name] += 1

    def note_end(self, family: Family) -> None:
        """Count a case that has ended, by what its rows came to."""
        self.cases += 1
        scopes = [s for machine in family.machines.values() for s in machine.instance.scopes()]
        deepest = max(scope.depth for scope in scopes)
        self.lengths.append((self.made, len(family.all_rows()), deepest))
        self.made = 0
        for prefix, machine in family.machines.items():
            self.ends["child" if prefix else "instance", machine.end().state] += 1
            self._note_instance(machine.instance)

    def _note_instance(self, instance: Instance) -> None:
        self.handled.update((who, what) for what, who in instance.handled)
        for row in instance.rows():
            self.ends[_kind(row) + (", again" if row.visit else ""), row.state] += 1
            outer = row.scope.block
            if row.undoes is None:
                self.kinds["workflow" if outer is None else outer.step.kind, _kind(row)] += 1
        for scope in instance.scopes():
            block = scope.block
            if block is not None:
                undone = ", undone" if scope.undone else ""
                self.ends[f"scope of {block.step.kind}", scope.state + undone] += 1

    def add(self, other: "Coverage") -> None:
        """Count what another has counted, too."""
        self.cases += other.cases
        self.lengths += other.lengths
        for name in ("calls", "beside", "kinds", "ends", "handled"):
            getattr(self, name).update(getattr(other, name))

    def __str__(self) -> str:
        tables = [
            ("rows by the block around them (down) and their kind (across)", self.kinds),
            ("what rows and scopes came to", self.ends),
            ("who handled (down) the failure of what (across)", self.handled),
            ("calls (across) by what they were about (down)", self.calls),
            ("calls (across) by what was open besides (down)", self.beside),
        ]
        calls, rows, levels = (sorted(counts) for counts in zip(*self.lengths, strict=True))
        middle = self.cases // 2
        size = (
            f"{self.cases} cases; the median has {calls[middle]} calls, {rows[middle]} rows,"
            f" {levels[middle]} levels; the most are {calls[-1]}, {rows[-1]}, {levels[-1]}"
        )
        parts = [size] + [f"{title}\n{table(of)}" for title, of in tables]
        return "\n\n".join(parts)


def _awaiting(family: Family, action: Action) -> list[str]:
    """Return what waits for what is sent."""
    match action:
        case Send(signals):
            sent = {(signal.name, None) for signal in signals}
        case SendEvent():
            sent = {(action.name, action.key)}
        case _:
            return []
    rows = [(row, (row.step.signal or row.step.event, row.event_key)) for row in family.waits()]
    who = action.who if isinstance(action, Send) else None
    return [r.path for r, told in rows if told in sent and who in (None, owner(r.path))]


def _kind(row: Row) -> str:
    if row.undoes is not None:
        return "undoing of a child" if row.step.kind == "workflow" else "compensation"
    return _kind_of(row.step)


def _kind_of(step: Step) -> str:
    """Return the kind of a step, as different ones as there are ways to go on."""
    if step.kind != "wait_for":
        return step.kind
    return (
        f"wait_for {'signal' if step.signal else 'event'}{', timed' * (step.timeout is not None)}"
    )


def _name(action: Action) -> str:
    match action:
        case Fail(_, failure):
            again = "fail, to be retried" if failure.retryable else "fail"
            return f"{again}, unknown" if failure.unknown else again
        case GiveBack(_, started):
            return "give back, begun" if started else "give back"
        case Operate(name):
            return name
        case Send(signals):
            return "signal, with a key" if signals[0].key else "signal"
        case SendEvent():
            return "event"
        case AnswerForms(answers):
            return "answer a form, with a key" if answers[0].key else "answer a form"
        case ChangeForm(verb):
            return f"{verb} a form"
        case _:
            return type(action).__name__.lower()


def table(counts: Counts) -> str:
    """Return the counts as a table: the first of each pair down, the second across."""
    downs = sorted({down for down, _ in counts})
    acrosses = sorted({across for _, across in counts})
    width = max((len(down) for down in downs), default=0)
    lines = [" " * width + "".join(f"  {across}" for across in acrosses)]
    for down in downs:
        cells = [f"  {counts[down, a] or '·':>{len(a)}}" for a in acrosses]
        lines.append(f"{down:<{width}}" + "".join(cells))
    return "\n".join(lines)
