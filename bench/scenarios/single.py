"""(b) A closed loop of the workflow of one step."""

from ..bench import Bench
from ..deployment import BROKER, variants
from ..measure import measure
from ..workflows import sequence

TITLE = "1 step, closed loop"


def run(bench: Bench) -> None:
    """Run each transport once: nothing is handed off where there is one step."""
    for variant in variants(bench.options):
        if variant is not BROKER:
            for in_flight in bench.options.in_flight:
                measure(bench, "b", variant, sequence(1), in_flight)
