"""Python's garbage collector, set for processes that make and drop many objects at a time."""

import gc

THRESHOLDS = 10_000, 10, 10
"""As ``gc.set_threshold`` takes them; Python's own begin at 700 (in 3.11).

A worker holds a few objects of each of hundreds of tasks: they go by themselves, but pass that many
times a turn."""


def relax() -> None:
    """Look for cycles of garbage less often, and never again in what is there now.

    Call it once, when what will stay is imported. It took a sixth of a busy worker's time before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
