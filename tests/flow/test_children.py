"""Children: instances that steps have run, whose ends they hear of, and which they end and undo."""

import pytest

from .family import Family
from .interpreter import Failure
from .support import Json, block, caught, each, task

SHIP: Json = {"id": "ship", "workflow": "ship"}
PACK: Json = {"name": "ship", "steps": [task("pack", undo=True)], "output": "$.steps.pack.output"}


class Tale(Family):
    """A family that has been started; what is answered is claimed first."""

    def __init__(self, *steps: Json, ship: Json = PACK, **more: Json) -> None:
        super().__init__({"name": "order", "steps": list(steps), **more}, ship)
        self.start()

    def done(self, *paths: str, output: Json = None) -> None:
        self.claim([path for path in paths if self.state(path) == "QUEUED"])
        self.answer(dict.fromkeys(paths, output))

    def fails(self, *paths: str, code: str = "bad") -> None:
        self.claim([path for path in paths if self.state(path) == "QUEUED"])
        self.answer(dict.fromkeys(paths, Failure(code)))

    def states(self) -> dict[str, str]:
        return {path: row.state for path, row in self.rows().items()}

    def ends(self) -> dict[str, str]:
        return {who: machine.end().state for who, machine in self.machines.items()}


def test_a_step_has_an_instance_run_and_gives_its_output() -> None:
    tale = Tale(SHIP, task("b"))
    assert tale.states() == {"ship": "WAITING", "ship(0)/pack": "QUEUED"}
    tale.done("ship(0)/pack", output=5)
    assert tale.rows()["ship"].output == 5
    assert tale.due() == ["b"]


def test_one_that_ends_otherwise_fails_the_step_with_its_error() -> None:
    tale = Tale(caught(SHIP))
    tale.fails("x[0]/ship(0)/pack", code="broken")
    assert tale.rows()["x[0]/ship"][:3] == ("FAILED", None, "broken")
    assert tale.due() == ["x[1]/c"]
    tale = Tale(caught(SHIP))
    tale.cancel("x[0]/ship(0)/")
    assert tale.rows()["x[0]/ship"].code == "cancelled"


@pytest.mark.parametrize(
    ("more", "code"), [({"workflow": "nowhere"}, "unknown"), ({"with": [1]}, "input")]
)
def test_what_cannot_start_fails_the_step(more: Json, code: str) -> None:
    assert Tale({**SHIP, **more}).end().code == f"workflow.{code}"


def test_redriven_the_step_has_another_run() -> None:
    tale = Tale(SHIP, on_failure="suspend", ship={**PACK, "on_failure": "fail"})
    tale.fails("ship(0)/pack")
    assert tale.dead_letters() == ["ship"]
    assert tale.redrive("ship") == "done"
    tale.done("ship(1)/pack", output=7)
    assert tale.rows()["ship"].output == 7


def test_what_closes_has_its_instances_end_first() -> None:
    tale = Tale(SHIP)
    tale.claim(["ship(0)/pack"])
    tale.cancel()
    assert tale.states() == {"ship": "WAITING", "ship(0)/pack": "RUNNING"}
    assert tale.ends() == {"": "CLOSING", "ship(0)/": "CLOSING"}
    tale.done("ship(0)/pack")
    tale.done("ship(0)/pack.compensate")
    assert tale.rows()["ship"][:3] == ("CANCELLED", None, "cancelled")
    assert tale.ends() == {"": "CANCELLED", "ship(0)/": "CANCELLED"}


def test_one_that_has_succeeded_meanwhile_is_undone() -> None:
    branches = {"p": [SHIP], "q": [task("q")]}
    tale = Tale(block("x", "parallel", branches))
    tale.claim(["x[0]/ship(0)/pack", "x[1]/q"])
    tale.answer({"x[0]/ship(0)/pack": 1, "x[1]/q": Failure()})
    assert tale.state("x[0]/ship") == "SUCCEEDED"
    assert tale.state("x[0]/ship.compensate") == "WAITING"
    tale.done("x[0]/ship(0)/pack.compensate")
    assert tale.ends() == {"": "COMPENSATED", "x[0]/ship(0)/": "COMPENSATED"}


def test_one_that_was_not_started_yet_is_never() -> None:
    fails: Json = {"id": "f", "fail": {"code": "bad", "message": "it was to fail"}}
    tale = Tale(block("x", "parallel", {"p": [SHIP], "q": [fails]}))
    assert list(tale.machines) == [""]
    assert tale.rows()["x[0]/ship"][:3] == ("CANCELLED", None, "cancelled")


def test_the_way_back_of_a_step_is_that_of_its_instance() -> None:
    tale = Tale(SHIP, task("b"))
    tale.done("ship(0)/pack")
    tale.fails("b")
    assert tale.due() == ["ship(0)/pack.compensate"]
    tale.fails("ship(0)/pack.compensate")
    assert tale.dead_letters() == ["ship(0)/pack.compensate"]
    tale.discard(["ship(0)/pack.compensate"])
    assert tale.ends() == {"": "COMPENSATING", "ship(0)/": "FAILED"}
    assert tale.dead_letters() == ["ship.compensate"]
    assert tale.rows()["ship.compensate"].code == "parent.undone"
    assert tale.redrive("ship.compensate") == "refused"
    tale.skip("ship.compensate")
    assert tale.end().state == "COMPENSATED"


def test_nothing_to_undo_in_it_and_it_is_undone_at_once() -> None:
    plain: Json = {"name": "ship", "steps": [task("pack")]}
    tale = Tale(SHIP, task("b"), ship=plain)
    tale.done("ship(0)/pack")
    tale.fails("b")
    assert tale.ends() == {"": "COMPENSATED", "ship(0)/": "COMPENSATED"}


def test_out_of_time_its_instance_ends_and_then_it_fails() -> None:
    tale = Tale(caught({**SHIP, "timeout": 3}))
    tale.claim(["x[0]/ship(0)/pack"])
    tale.tick(3)
    assert tale.rows()["x[0]/ship"][:3] == ("WAITING", None, "timeout")
    tale.fails("x[0]/ship(0)/pack")
    assert tale.rows()["x[0]/ship"][:3] == ("FAILED", None, "timeout")
    tale = Tale({**SHIP, "timeout": 3}, task("b"), ship={**PACK, "output": 4})
    tale.done("ship(0)/pack")
    assert tale.timers() == []


def test_a_detached_one_is_told_nothing() -> None:
    tale = Tale({**SHIP, "detach": True}, task("b"))
    assert tale.rows()["ship"][:2] == ("SUCCEEDED", {"instance": "ship(0)/"})
    tale.fails("b")
    assert tale.end().state == "COMPENSATED"
    assert tale.due() == ["ship(0)/pack"]


@pytest.mark.parametrize("join", [None, 1])
def test_one_call_may_end_several_and_their_ends_are_heard_together(join: int | None) -> None:
    more = {} if join is None else {"join": join}
    tale = Tale(each("x", [1, 2], SHIP, **more), task("b"))
    tale.done("x[0]/ship(0)/pack", "x[1]/ship(0)/pack", output=1)
    assert tale.state("x") == "SUCCEEDED"
    assert tale.state("b") == "QUEUED"
    assert tale.state("x[1]/ship(0)/pack.compensate") == ("QUEUED" if join else None)


def test_grandchildren_are_ended_from_above() -> None:
    document: Json = {"name": "order", "steps": [SHIP]}
    middle: Json = {"name": "ship", "steps": [{"id": "c", "workflow": "leaf"}]}
    family = Family(document, middle, {"name": "leaf", "steps": [task("a")]})
    family.start()
    assert family.due() == ["ship(0)/c(0)/a"]
    family.cancel()
    assert family.ended()
    assert {machine.end().state for machine in family.machines.values()} == {"CANCELLED"}


def test_what_comes_due_under_a_hold_starts_nothing_before_the_resume() -> None:
    tale = Tale(task("a"), SHIP)
    tale.claim(["a"])
    tale.suspend()
    tale.answer({"a": None})
    assert tale.states() == {"a": "SUCCEEDED", "ship": "READY"}
    tale.resume()
    assert tale.states() == {"a": "SUCCEEDED", "ship": "WAITING", "ship(0)/pack": "QUEUED"}


@pytest.mark.parametrize("lift", ["resume", "cancel"])
def test_under_a_hold_nothing_is_undone_before_it_is_lifted(lift: str) -> None:
    branches = {"p": [SHIP, task("f")], "q": [task("q")]}
    tale = Tale(block("x", "parallel", branches, tolerate=1))
    tale.done("x[0]/ship(0)/pack")
    tale.claim(["x[0]/f"])
    tale.suspend()
    tale.answer({"x[0]/f": Failure()})
    assert tale.state("x[0]/ship.compensate") == "READY"
    getattr(tale, lift)()
    assert tale.state("x[0]/ship.compensate") == "WAITING"
    assert "x[0]/ship(0)/pack.compensate" in tale.due()


def test_a_key_is_that_of_one_instance() -> None:
    tale = Tale(caught({**SHIP, "key": "k"}), {**SHIP, "id": "b", "key": "k"})
    tale.done("x[0]/ship(0)/pack")
    assert tale.rows()["b"].code == "workflow.key"


@pytest.mark.parametrize("given", [{}, {"x": 1}])
def test_detached_a_step_gives_the_instance_that_has_its_key(given: Json) -> None:
    tale = Tale(
        {**SHIP, "key": "k"}, {**SHIP, "id": "b", "key": "k", "detach": True, "with": given}
    )
    tale.done("ship(0)/pack")
    if given:
        assert tale.rows()["b"].code == "workflow.key"
    else:
        assert tale.rows()["b"].output == {"instance": "ship(0)/"}


@pytest.mark.parametrize(("version", "due"), [(1, ["ship(0)/pack"]), (2, ["ship(0)/b"]), (3, [])])
def test_a_step_may_name_the_version(version: int, due: list[str]) -> None:
    order: Json = {"name": "order", "steps": [{**SHIP, "version": version}]}
    family = Family(order, PACK, {"name": "ship", "steps": [task("b")]})
    family.start()
    assert family.due() == due


def test_one_that_is_undone_tells_of_no_failure() -> None:
    ship = {**PACK, "on_failed": {"task": "work"}}
    tale = Tale(SHIP, task("b"), ship=ship)
    tale.done("ship(0)/pack")
    tale.fails("b")
    tale.done("ship(0)/pack.compensate")
    assert tale.ends() == {"": "COMPENSATED", "ship(0)/": "COMPENSATED"}
