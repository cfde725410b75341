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
        # Each begins as often as the other: what a turn leaves to the next is shared.
        pair: dict[str, Run] = {}
        for each in sides if number % 2 else reversed(sides):
            pair[each.load] = each.turn()
            beat(2 * number + len(pair))
        pairs.append(pair)
    for each in sides:
        runs = [pair[each.load] for pair in pairs]
        figures = [run.figures for run in runs]
        bench.add(Result(scenario, who, each.load, figures, medians([r.per_step for r in runs])))
    rates = [{load: run.figures["steps/s"] for load, run in pair.items()} for pair in pairs]
    costs = [{load: run.per_step.get(CPU) for load, run in pair.items()} for pair in pairs]
    faster: Figures = {"ratio": median(rate[side.load] / rate[other.load] for rate in rates)}
    known = [(cost[side.load], cost[other.load]) for cost in costs]
    ratios = [one / two for one, two in known if one is not None and two]
    dearer: Figures = {CPU: median(ratios)} if ratios else {}
    load = f"median of {len(pairs)} pairs"
    bench.add(Result(scenario, f"{side.load} / {other.load}", load, [faster], dearer))
