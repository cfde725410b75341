"""The engine and the interpreter agree, as far as the engine knows the kinds."""

import pytest

from ..sql.play import Connection
from .cases.beside import run
from .cases.case import draw, seeds
from .cases.coverage import Coverage
from .cases.drawing import ENGINE
from .cases.effort import TIMES
from .cases.engine_harness import Hand
from .cases.search import search


@pytest.mark.timeout(120 * TIMES)
def test_engine_and_interpreter_agree_after_every_call(
    conn: Connection, worker: Hand, coverage: Coverage, seed: int
) -> None:
    found = list(
        search(
            seeds(seed, 40 * TIMES),
            lambda case: run(conn, worker, case, coverage),
            lambda number: draw(number, kinds=ENGINE),
        )
    )
    assert not found, "\n\n".join(found)
