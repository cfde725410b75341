"""The engine and the interpreter agree, as far as the engine knows the kinds."""

from dataclasses import replace
from typing import Any

import pytest

from onceflow.engine import calls

from ..sql.play import Connection, cut_early
from .cases.actions import Action, Claim, Complete, Fail, Operate, Tick
from .cases.beside import run
from .cases.case import Case, draw, seeds
from .cases.coverage import Coverage
from .cases.drawn import ENGINE
from .cases.effort import TIMES
from .cases.engine_harness import CutEngine, Engine, Hand, Pair
from .cases.search import search
from .interpreter import Failure
from .support import Json, block, task


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


# Cases in which they once differed


def agree(conn: Connection, worker: Hand, *steps: Json, script: tuple[Action, ...] = ()) -> Pair:
    """Have both play it, and hold the engine's counters against its rows."""
    document: Json = {"name": "flow", "steps": list(steps)}
    pair = Pair(Engine(conn, worker, document), document)
    for action in script:
        pair.apply(action)
    assert calls.check_instances(conn, list(pair.engine.ids.values())) == []
    return pair


FAILS: Json = {"id": "f", "fail": {"code": "bad", "message": "it was to fail"}}
GOES: Json = {"id": "g", "goto": "t"}


def test_what_a_goto_leads_to_is_not_made_where_a_failure_closes_its_scope(
    conn: Connection, worker: Hand
) -> None:
    pair = agree(conn, worker, block("x", "parallel", {"p": [FAILS], "q": [GOES, task("t")]}))
    assert "x[1]/t" not in pair.engine.snapshot.rows


# guarantee: fails-as-closed
def test_a_block_that_fails_as_it_is_closed_is_cancelled(conn: Connection, worker: Hand) -> None:
    rounds = block("r", "repeat", [task("a")], until=False, limit=1, on_failure="continue")
    pair = agree(conn, worker, block("x", "race", {"l": [rounds], "w": [task("w")]}))
    paths = ("x[0]/r[0]/a", "x[1]/w")
    pair.apply(Claim(paths))
    pair.apply(Complete(tuple((path, 1) for path in paths)))
    assert pair.engine.snapshot.rows["x[0]/r"].state == "CANCELLED"


def test_nor_is_a_block(conn: Connection, worker: Hand) -> None:
    to: Json = block("t", "parallel", {"p": [task("a")]})
    rounds = block("y", "repeat", [GOES, to], until=True, needs=[])
    missing: Json = {**task("b"), "with": "$.input.missing"}
    wrong = block("x", "steps", [missing], needs=[])
    agree(conn, worker, wrong, rounds)


# guarantee: closing-unwound
def test_a_block_that_waits_for_a_way_back_does_not_go_on_once_its_instance_closes(
    conn: Connection, worker: Hand
) -> None:
    undone: Json = {"compensate": {"task": "undo"}}
    lists: Json = {"p": [{**task("a"), **undone}, task("b")], "q": [{**task("c"), **undone}]}
    script: list[Action] = []
    for path in "x[0]/a", "x[1]/c":
        script += [Claim((path,)), Complete(((path, 1),))]
    script += [Claim(("x[0]/b",)), Fail(("x[0]/b",), Failure("bad"))]
    script += [Tick(60), Operate("cancel")]  # by its timeout the block has failed
    back = "x[0]/a.compensate"
    script += [Claim((back,)), Complete(((back, 1),))]
    timed = block("x", "parallel", lists, tolerate=1, timeout=60, on_failure="continue")
    pair = agree(conn, worker, timed, script=tuple(script))
    assert pair.machine.end().state == "COMPENSATING"


@pytest.mark.parametrize(("first", "second"), [("bad", "other"), ("other", "bad")])
def test_of_failures_judged_together_the_first_says_whether_its_scope_is_undone(
    conn: Connection, worker: Hand, first: str, second: str
) -> None:
    wrong = [
        {"id": name, "fail": {"code": code, "message": "it was to fail"}, "needs": ["s"]}
        for name, code in (("f", first), ("g", second))
    ]
    done: Json = {**task("s", needs=[]), "compensate": {"task": "undo"}}
    catches: Json = [{"errors": ["bad"], "steps": []}, {"undo": False, "steps": []}]
    caught = block("x", "try", [done, *wrong], catch=catches)
    script = (Claim(("x[0]/s",)), Complete((("x[0]/s", 1),)))
    pair = agree(conn, worker, caught, script=script)
    assert pair.machine.due() == (["x[0]/s.compensate"] if first == "bad" else [])


@pytest.mark.timeout(120 * TIMES)
def test_what_was_cut_goes_on_as_if_it_had_not_been(
    conn: Connection, worker: Hand, coverage: Coverage, seed: int
) -> None:
    with cut_early(conn):
        found = list(
            search(
                seeds(seed, 10 * TIMES),
                lambda case: run(conn, worker, case, coverage, CutEngine),
                without_undoing,
            )
        )
    assert not found, "\n\n".join(found)


def without_undoing(number: int) -> Case:
    """Draw a case of which nothing is undone, an instance of its own least of all."""
    case = draw(number, kinds=[kind for kind in ENGINE if kind != "workflow"])
    return replace(case, document=_stripped(case.document))


def _stripped(value: Any) -> Any:
    if isinstance(value, list):
        return [_stripped(item) for item in value]  # pyright: ignore
    if not isinstance(value, dict):
        return value
    return {
        key: _stripped(item)  # pyright: ignore
        for key, item in value.items()  # pyright: ignore
        if key != "compensate" or not isinstance(item, dict)
    }
