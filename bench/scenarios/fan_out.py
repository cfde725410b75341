"""(c) One instance that fans out and joins, alone."""

from ..bench import Bench
from ..deployment import BROKER, variants
from ..measure import measure
from ..workflows import fan_out

TITLE = "fan-out and join in one instance, alone"


def run(bench: Bench) -> None:
    """Run each transport at both widths."""
    for variant in variants(bench.options):
        if variant is not BROKER:
            for width in (100,) if bench.options.quick else (100, 1000):
                count = max(3, bench.options.alone * 10 // width)
                work = fan_out(width)
                measure(bench, "c", variant, work, 1, alone=count, load=f"{width:,} branches")
