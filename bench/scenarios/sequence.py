"""(a) The reference load: a closed loop of the 4-step workflow, ours in each variant, and peers."""

from ..bench import Bench
from ..deployment import variants
from ..measure import measure
from ..peers import run_peers
from ..workflows import sequence

TITLE = "4 steps one after the other, closed loop"
STEPS = 4


def run(bench: Bench) -> None:
    """Run all variants at all levels, then the peers."""
    for variant in variants(bench.options):
        for in_flight in bench.options.in_flight:
            measure(bench, "a", variant, sequence(STEPS), in_flight)
    run_peers(bench, "a", STEPS)
