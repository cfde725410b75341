"""(b) A closed loop of the workflow of one step."""

from ..bench import Bench
from ..deployment import BROKER, variants
from ..measure import measure
from ..workflows import sequence

TITLE = "1 step, closed loop"


def run(bench: Bench) -> None:
    """Run each transport once: nothing is handed off where there is one step."""
    levels = bench.options.in_flight[-1:] if bench.options.quick else bench.options.in_flight
    for variant in variants(bench.options):
        if variant is not BROKER:
            for in_flight in levels:
                measure(bench, "b", variant, sequence(1), in_flight)
