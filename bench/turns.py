"""Two loads in turn: a machine that grows slower or faster does so under both."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from .bench import Bench
from .figures import Figures, medians
from .load import Run
from .results import Result

CPU = "CPU µs postgres"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what the report calls it, and what runs it for one turn."""

    load: str
    turn: Callable[[], Run]


def take_turns(bench: Bench, scenario: str, who: str, side: Side, other: Side) -> None:
    """Run both as often as runs say; report them, and the medians of the pairs' ratios."""
    sides = (side, other)
    beat = bench.bar(f"({scenario}) turns", 2 * bench.options.runs)
    pairs: list[dict[str, Run]] = []
    for number in range(bench.options.runs):
        # They begin in turn: what a turn leaves to the next is shared.
        pair: dict[str, Run] = {}
        for each in sides if number % 2 else reversed(sides):
            pair[each.load] = each.turn()
            beat(2 * number + len(pair))
        pairs.append(pair)
    for each in sides:
        runs = [pair[each.load] for pair in pairs]
        figures = [run.figures for run in runs]
        bench.add(Result(scenario, who, each.load, figures, medians([r.per_step for r in runs])))
    rates = [
        (pair[side.load].figures["steps/s"], pair[other.load].figures["steps/s"]) for pair in pairs
    ]
    costs = [
        (pair[side.load].per_step.get(CPU), pair[other.load].per_step.get(CPU)) for pair in pairs
    ]
    faster: Figures = {}
    dearer: Figures = {}
    if all(one and two for one, two in rates):  # in each something has ended
        faster["ratio"] = median(one / two for one, two in rates)
    if known := [(one, two) for one, two in costs if one and two]:
        dearer[CPU] = median(one / two for one, two in known)
    load = f"median of {len(pairs)} pairs"
    bench.add(Result(scenario, f"{side.load} / {other.load}", load, [faster], dearer))
