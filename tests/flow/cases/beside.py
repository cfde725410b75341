"""A case is played by the engine beside the interpreter."""

import os
import threading
from collections.abc import Iterable
from contextlib import closing
from multiprocessing import connection, parent_process

from onceflow.engine import calls

from ...servers import Servers, create_database
from ...sql.play import Connection
from .actions import Action
from .case import Case, CaseFailed, draw, play
from .coverage import Coverage
from .drawn import ENGINE
from .engine_harness import Engine, Hand, Pair
from .search import search


def run(
    conn: Connection,
    worker: Hand,
    case: Case,
    coverage: Coverage,
    made_by: type[Engine] = Engine,
) -> None:
    """Play a case to its end. Raises CaseFailed where they differ."""
    engine = made_by(conn, worker, case.document, *case.children)
    made: list[Action] = []
    try:
        pair = Pair(engine, case.document, *case.children)

        def make(action: Action) -> None:
            made.append(action)
            coverage.note_call(pair.family, action)
            pair.apply(action)

        play(case, pair.family, make)
        pair.compare("its end", afresh=True)
        assert calls.check_instances(conn, list(engine.ids.values())) == []
    except Exception as error:
        engine.erase()
        raise CaseFailed(case, made, error) from error
    coverage.note_end(pair.family)


def run_at_length(servers: Servers, numbers: Iterable[int], seconds: float) -> tuple[int, Coverage]:
    """Run cases in a database of their own, and print each that fails, made smaller.

    Return how many failed, and what has been met.
    """
    coverage, failures = Coverage(), 0
    with closing(create_database(servers, migrated=True).connect()) as conn:
        worker = Hand(conn)
        found = search(
            numbers,
            lambda case: run(conn, worker, case, coverage),
            lambda number: draw(number, kinds=ENGINE),
            seconds,
        )
        for failure in found:
            print(f"{failure}\n", flush=True)
            failures += 1
    return failures, coverage


def end_with_parent() -> None:
    """Have this process end as soon as the one that started it has, killed or not."""
    parent = parent_process()
    assert parent is not None
    sentinel = parent.sentinel

    def wait() -> None:
        connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
