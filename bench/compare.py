"""Sets our figures of the reference load against the peers' of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass

from .figures import Figures
from .results import Result

ALONE = "1 in flight"
OURS = "onceflow"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One of our variants against the best that one peer did."""

    who: str
    against: str
    figures: Figures


def compare(results: Sequence[Result]) -> list[Ratio]:
    """Return each variant of ours against each peer: rate under load, and latency alone.

    Of a peer that was run in several ways the best counts, and of ours the best level; a peer that
    failed is left out.
    """
    known = [result for result in results if result.runs]
    ours = dict.fromkeys(r.who for r in known if r.who.startswith(OURS))
    peers = dict.fromkeys(r.who.split()[0] for r in known if not r.who.startswith(OURS))
    found: list[Ratio] = []
    for who in ours:
        mine = [r for r in known if r.who == who]
        for peer in peers:
            theirs = [r for r in known if r.who.split()[0] == peer]
            figures: Figures = {}
            rates = _rate(mine), _rate(theirs)
            if rates[0] and rates[1]:
                figures["steps/s, times theirs"] = rates[0] / rates[1]
            times = _alone(mine), _alone(theirs)
            if times[0] and times[1]:
                figures["p50 alone, share of theirs"] = times[0] / times[1]
            found.append(Ratio(who, peer, figures))
    return found


def _rate(results: Sequence[Result]) -> float | None:
    rates = [r.figures["steps/s"] for r in results if r.load != ALONE and "steps/s" in r.figures]
    return max(rates, default=None)


def _alone(results: Sequence[Result]) -> float | None:
    times = [r.figures["p50 ms"] for r in results if r.load == ALONE and "p50 ms" in r.figures]
    return min(times, default=None)
