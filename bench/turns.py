"""Two loads in turn: a machine that grows slower or faster does so under both."""

from collections.abc import Callable, Sequence
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
    turns = [(pair[side.load], pair[other.load]) for pair in pairs]
    faster = _ratio("ratio", turns, lambda run: run.figures.get("steps/s"))
    dearer = _ratio(CPU, turns, lambda run: run.per_step.get(CPU))
    load = f"median of {len(pairs)} pairs"
    bench.add(Result(scenario, f"{side.load} / {other.load}", load, [faster], dearer))


def _ratio(
    name: str, pairs: Sequence[tuple[Run, Run]], read: Callable[[Run], float | None]
) -> Figures:
    """Return the median of the ratios of those pairs of which both have it, if there are any."""
    known = [(read(one), read(two)) for one, two in pairs]
    ratios = [one / two for one, two in known if one and two]
    return {name: median(ratios)} if ratios else {}
