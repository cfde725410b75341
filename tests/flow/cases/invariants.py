"""What holds of any instance, after any call."""

from ..children import awaits_child
from ..definition import CHAINS
from ..family import Family
from ..interpreter import Machine
from ..model import PASSES, Instance, Row, Scope
from ..undoing import can_undo


def check(family: Family) -> None:
    """Assert what holds between two calls."""
    for machine in family.machines.values():
        _check_instance(machine)
        assert not machine.instance.sent, "all that is sent is applied"
    for row in family.all_rows():
        if awaits_child(row):
            child = family.machines.get(row.child or "")
            assert child is not None, f"{row.path} waits for nobody"
            assert not child.ended, f"{row.path} has not heard of an end"
            assert child.instance.answers is row, f"{row.path} will not be told"
    by_somebody = family.due() or family.running() or _waits(family)
    assert family.ended() or by_somebody, "it moves by somebody"


def _check_instance(machine: Machine) -> None:
    instance = machine.instance
    scopes = instance.scopes()
    for scope in scopes:
        _check_scope(instance, scope)
    undone = [row.undoes for row in instance.rows() if row.undoes is not None]
    assert len(undone) == len(set(undone)), "a row is undone at most once"
    assert not (instance.held and machine.due()), "nothing is due under an operator's hold"
    awaited = {name for name, _ in machine.waits().values()}
    assert not awaited & {name for name, _ in machine.kept()}, "what is kept is awaited by nobody"
    for row in instance.rows():
        if row.step.is_block and row.undoes is None:
            _check_block(row)
    if instance.state in ("SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED"):
        _check_end(instance, scopes)


def _waits(family: Family) -> bool:
    """Tell whether a person, a sender or the clock can bring it on."""
    by_people = family.held() or family.dead_letters() or family.forms()
    return bool(by_people or family.timers() or family.waits())


def _check_scope(instance: Instance, scope: Scope) -> None:
    steps = [(row.id, row.visit) for row in scope.rows]
    assert len(steps) == len(set(steps)), f"{scope.path} has a row twice"
    open_rows = [row for row in scope.rows if row.open and row.is_forward]
    match scope.state:
        case "WAITING":
            assert not scope.rows, f"{scope.path} waits and has rows"
        case "SUCCEEDED":
            assert not open_rows, f"{scope.path} succeeded"
            assert all(row.state in PASSES for row in scope.rows if row.undoes is None)
            assert scope.list_ended, f"{scope.path} succeeded before its end"
        case "CLOSING":
            awaited = [row.state == "RUNNING" or awaits_child(row) for row in open_rows]
            assert all(awaited), f"{scope.path} closes"
        case "COMPENSATING" | "FAILED" | "CANCELLED" | "COMPENSATED":
            assert not open_rows, f"{scope.path} has drained"
        case _:
            assert scope.state == "OPEN"
    block = scope.block
    if block is not None and scope.state == "OPEN":
        assert block.open, f"{scope.path} is open, and its block has ended"
        assert block.scope.state == "OPEN", f"{scope.path} is open in one that is not"
    running = [row for row in scope.rows if row.state == "RUNNING" and row.is_forward]
    assert not running or scope.state in ("OPEN", "CLOSING")
    _check_way_back(instance, scope)


def _check_way_back(instance: Instance, scope: Scope) -> None:
    """What has been undone in a scope ended later than what is still to be undone in it."""
    begun = [row for row in scope.rows if row.undoes is not None and row.made]
    waits = [row for row in scope.rows if row.undoes is not None and not row.made]
    for later in begun:
        for earlier in waits:
            assert later.undoes is not None
            assert earlier.undoes is not None
            assert (later.undoes.seq or 0) >= (earlier.undoes.seq or 0)
    assert sum(1 for row in begun if row.open) <= 1, f"{scope.path} is undone one by one"


def _check_block(row: Row) -> None:
    under_way = [s for s in row.scopes if not s.ended and s.state != "WAITING"]
    assert len(under_way) <= row.step.max_parallel, f"{row.path}: too many at a time"
    if row.step.kind in CHAINS:
        assert len(under_way) <= 1, f"{row.path}: one at a time"
    ordinals = [scope.ordinal for scope in row.scopes]
    assert ordinals == list(range(len(ordinals)))
    if row.state == "SUCCEEDED" and row.step.join is not None and row.scopes:
        done = sum(1 for s in row.scopes if s.state == "SUCCEEDED")
        assert done == row.step.join, f"{row.path} ends at its Nth success"


def _check_end(instance: Instance, scopes: list[Scope]) -> None:
    assert not any(row.open for row in instance.rows()), "an ended instance has nothing open"
    assert all(scope.ended for scope in scopes)
    assert not any(scope.back for scope in scopes)
    rows = [row for row in instance.rows() if not row.step.is_block]
    left = [row.path for row in rows if can_undo(row)]
    if instance.state in ("COMPENSATED", "CANCELLED"):
        assert left == [], "all is undone"
    if instance.state == "SUCCEEDED" and instance.workflow.on_failure != "fail":
        for scope in scopes:
            if scope.state in ("FAILED", "CANCELLED") and not _left_to_others(scope):
                assert not any(can_undo(row) for row in scope.rows), f"{scope.path} is half done"


def _left_to_others(scope: Scope) -> bool:
    """Tell whether a block around it, or a catch, said that it is not to be undone."""
    block = scope.block
    while block is not None:
        if not block.step.undo or not all(catch.undo for catch in block.step.catches):
            return True
        block = block.scope.block
    return False


def frozen(family: Family) -> dict[str, object]:
    """Return the ended rows as they are: they never change."""
    return {path: row for path, row in family.rows().items() if not row.open}
