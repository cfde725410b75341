"""The order of steps as a graph: who follows whom, who has ended before, what goes in circles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps with what each needs, by step id in the order written."""

    needs: Mapping[str, Sequence[str]]

    def edges(self) -> Iterator[tuple[str, str]]:
        """Yield (from, to) for each need, in the order of the steps and of their needs."""
        for step, needs in self.needs.items():
            for need in needs:
                yield need, step

    def order(self) -> list[str]:
        """Return the steps, each behind all that it needs, without those in or behind a cycle."""
        missing = {step: len(set(needs)) for step, needs in self.needs.items()}
        followers: dict[str, list[str]] = {step: [] for step in self.needs}
        for step, needs in self.needs.items():
            for need in set(needs):
                followers[need].append(step)
        ready = [step for step, count in missing.items() if count == 0]
        for step in ready:
            for follower in followers[step]:
                missing[follower] -= 1
                if missing[follower] == 0:
                    ready.append(follower)
        return ready

    def cycles(self) -> list[list[str]]:
        """Return cycles, each as the steps from one to itself again; enough to break them all once.

        Each step stands in at most one of those returned.
        """
        stuck = set(self.needs) - set(self.order())
        found: list[list[str]] = []
        seen: set[str] = set()
        for first in self.needs:
            path: list[str] = []
            step = first
            while step in stuck and step not in seen:
                seen.add(step)
                path.append(step)
                # A step that is stuck needs one that is stuck.
                step = next(need for need in self.needs[step] if need in stuck)
            if step in path:
                cycle = [*path[path.index(step) :], step]
                found.append(cycle[::-1])
        return found


class Ancestors:
    """For each step the steps that have ended before it begins, as a set of bits."""

    def __init__(self, graph: Graph) -> None:
        self._bit = {step: 1 << n for n, step in enumerate(graph.needs)}
        self._before: dict[str, int] = {}
        for step in graph.order():
            before = 0
            for need in graph.needs[step]:
                before |= self._before[need] | self._bit[need]
            self._before[step] = before

    def __contains__(self, pair: tuple[str, str]) -> bool:
        """Tell of a pair (earlier, later) whether the first has ended before the second begins."""
        earlier, later = pair
        return bool(self._before.get(later, 0) & self._bit.get(earlier, 0))
