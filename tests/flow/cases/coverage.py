"""What the generated cases have met: kinds within kinds, who handled failures, calls by state."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from ..interpreter import Machine
from .scripts import Action, Claim, Complete, Discard, Fail, GiveBack, Operate, Redrive, Skip, Tick

RowAction: TypeAlias = Claim | Complete | Fail | GiveBack | Redrive | Skip | Discard


@dataclass
class Coverage:
    """Counts, of one run of the tests."""

    cases: int = 0
    calls: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    ends: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    handled: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    lengths: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    """Of each case its calls, rows and levels of blocks."""
    made: int = 0
    """Calls of the case under way."""

    def note_call(self, machine: Machine, action: Action) -> None:
        """Count a call about to be made, by the state of each row that it is about."""
        self.made += 1
        about = machine.instance.state + (", held" if machine.instance.held else "")
        if isinstance(action, Operate | Tick):
            name = action.name if isinstance(action, Operate) else "tick"
            self.calls[name, about] += 1
            return
        rows = {row.path: row for row in machine.instance.rows()}
        for path in _targets(action):
            row = rows[path]
            of = row.step.kind if row.undoes is None else "compensation"
            name = type(action).__name__.lower()
            self.calls[name, f"{of} in {row.scope.state} / {about}"] += 1

    def note_end(self, machine: Machine) -> None:
        """Count a case that has ended, by what its rows came to."""
        self.cases += 1
        self.ends["instance", machine.end().state] += 1
        instance = machine.instance
        deepest = max(scope.depth for scope in instance.scopes())
        self.lengths.append((self.made, len(instance.rows()), deepest))
        self.made = 0
        self.handled.update((who, what) for what, who in instance.handled)
        for row in machine.instance.rows():
            of = row.step.kind if row.undoes is None else "compensation"
            self.ends[of, row.state] += 1
            outer = row.scope.block
            if row.undoes is None:
                self.kinds["workflow" if outer is None else outer.step.kind, of] += 1

    def __str__(self) -> str:
        tables = [
            ("rows by the block around them (down) and their kind (across)", self.kinds),
            ("what rows came to", self.ends),
            ("who handled (down) the failure of what (across)", self.handled),
            ("calls (across) by what they were about (down)", flipped(self.calls)),
        ]
        medians = [sorted(counts)[self.cases // 2] for counts in zip(*self.lengths, strict=True)]
        calls, rows, levels = medians
        size = f"{self.cases} cases; the median has {calls} calls, {rows} rows, {levels} levels"
        parts = [size] + [f"{title}\n{table(of)}" for title, of in tables]
        return "\n\n".join(parts)


def _targets(action: RowAction) -> list[str]:
    match action:
        case Complete(outputs):
            return [path for path, _ in outputs]
        case Redrive(path) | Skip(path):
            return [path]
        case _:
            return list(action.paths)


def flipped(counts: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Return the counts with down and across changed."""
    return Counter({(across, down): n for (down, across), n in counts.items()})


def table(counts: Counter[tuple[str, str]]) -> str:
    """Return the counts as a table: the first of each pair down, the second across."""
    downs = sorted({down for down, _ in counts})
    acrosses = sorted({across for _, across in counts})
    width = max((len(down) for down in downs), default=0)
    lines = [" " * width + "".join(f"  {across}" for across in acrosses)]
    for down in downs:
        cells = [f"  {counts[down, a] or '·':>{len(a)}}" for a in acrosses]
        lines.append(f"{down:<{width}}" + "".join(cells))
    return "\n".join(lines)
