"""A case is played by the engine beside the interpreter."""

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition

from ...sql.play import Connection
from .actions import Action
from .case import Case, CaseFailed, play
from .coverage import Coverage
from .drawing import INPUT
from .engine_harness import Engine, Hand, Pair


def run(conn: Connection, worker: Hand, case: Case, coverage: Coverage) -> None:
    """Play a case to its end. Raises CaseFailed where they differ."""
    engine = Engine(conn, worker, compile_definition(case.document))
    made: list[Action] = []
    try:
        pair = Pair(engine, case.document, INPUT)

        def make(action: Action) -> None:
            made.append(action)
            coverage.note_call(pair.machine, action)
            pair.apply(action)

        play(case, pair.machine, make)
        assert calls.check_instances(conn, [engine.id]) == []
    except Exception as error:
        engine.erase()
        raise CaseFailed(case, made, error) from error
    coverage.note_end(pair.machine)
