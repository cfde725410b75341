"""(b) A closed loop of the workflow of one step."""

from ..bench import Bench
from ..deployment import HAND_OFF, POSTGRES, variants
from ..measure import measure

TITLE = "1 step, closed loop"


def run(bench: Bench) -> None:
    """Run each transport; a hand-off has nothing to do here."""
    for variant in variants(bench.options):
        if variant in (HAND_OFF, POSTGRES):
            for in_flight in bench.options.in_flight:
                measure(bench, "b", variant, 1, in_flight)
