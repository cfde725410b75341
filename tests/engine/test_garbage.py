"""garbage"""

import gc
from collections.abc import Iterator

import pytest

from onceflow.engine import garbage


@pytest.fixture
def collector() -> Iterator[None]:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    gc.unfreeze()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
    if frozen:  # as they were for the whole session
        gc.freeze()


@pytest.mark.usefixtures("collector")
def test_what_is_there_is_never_looked_at_again_and_what_comes_is_less_often() -> None:
    garbage.relax()
    assert gc.get_threshold() == garbage.THRESHOLDS
    assert gc.get_freeze_count() > 10_000


@pytest.mark.usefixtures("collector")
def test_cycles_are_still_found() -> None:
    class Node:
        living = 0

        def __init__(self) -> None:
            self.me = self
            Node.living += 1

        def __del__(self) -> None:
            Node.living -= 1

    garbage.relax()
    for _ in range(10 * garbage.THRESHOLDS[0]):
        Node()
    assert Node.living < 2 * garbage.THRESHOLDS[0]
