"""The engine and the interpreter agree, as far as the engine knows the kinds: without blocks."""

import pytest
from hypothesis import given, settings

from onceflow.engine import calls

from ..sql.play import Connection, Worker
from .cases.coverage import Coverage
from .cases.effort import TIMES, UNBOUNDED
from .cases.engine_harness import Engine, Pair
from .cases.scripts import Call, choose, next_of
from .cases.strategies import INPUT, Document, definitions, scripts
from .model import TODAY

ENDS = ("SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED")


@pytest.mark.timeout(120 * TIMES)
@settings(
    max_examples=40 * TIMES,
    derandomize=TIMES == 1,
    suppress_health_check=UNBOUNDED,
)
@given(document=definitions(kinds=("task", "set", "fail"), depth=0, size=10), script=scripts(8))
def test_engine_and_interpreter_agree_after_every_call(
    conn: Connection, worker: Worker, coverage: Coverage, document: Document, script: list[Call]
) -> None:
    coverage.made = 0
    pair = Pair(Engine(conn, worker, document, INPUT), document, INPUT, TODAY)
    for call in script:
        if pair.machine.end().state in ENDS:
            break
        for action in choose(pair.machine, call):
            coverage.note_call(pair.machine, action)
            pair.apply(action)
    while pair.machine.end().state not in ENDS:
        coverage.note_call(pair.machine, next_of(pair.machine))
        pair.apply(next_of(pair.machine))
    coverage.note_end(pair.machine)
    assert calls.check_instances(conn, [pair.engine.id]) == []
