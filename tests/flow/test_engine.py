"""The engine and the interpreter agree, as far as the engine knows the kinds: without blocks."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings

from onceflow.engine import calls

from ..servers import Database, Servers, create_database, drop_database
from ..sql.play import Connection, Worker
from .coverage import Coverage
from .effort import TIMES, UNBOUNDED
from .engine_harness import Engine, Pair
from .model import TODAY
from .scripts import Call, choose, next_of
from .strategies import INPUT, Document, definitions, scripts

ENDS = ("SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED")


@pytest.fixture(scope="module")
def conn(servers: Servers) -> Iterator[Connection]:
    """One database for all cases: each has an instance of its own, and brings it to its end."""
    made: Database = create_database(servers, migrated=True)
    with closing(made.connect()) as opened:
        yield opened
    drop_database(servers, made.name)


@pytest.fixture(scope="module")
def worker(conn: Connection) -> Worker:
    return Worker(conn, lease=3600)


@pytest.mark.timeout(120 * TIMES)
@settings(
    max_examples=40 * TIMES,
    derandomize=TIMES == 1,
    suppress_health_check=UNBOUNDED,
)
@given(document=definitions(kinds=("task",), depth=0, size=8), script=scripts(8))
def test_engine_and_interpreter_agree_after_every_call(
    conn: Connection, worker: Worker, coverage: Coverage, document: Document, script: list[Call]
) -> None:
    pair = Pair(Engine(conn, worker, document, INPUT), document, INPUT, TODAY)
    for call in script:
        if pair.machine.end().state in ENDS:
            break
        for action in choose(pair.machine, call):
            coverage.note_call(pair.machine, action)
            pair.apply(action)
    while pair.machine.end().state not in ENDS:
        pair.apply(next_of(pair.machine))
    coverage.note_end(pair.machine)
    assert calls.check_instances(conn, [pair.engine.id]) == []
