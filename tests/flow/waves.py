"""A transition: wave by wave, until nothing more is due that needs no worker.

In a wave failures are judged; scopes that ended are counted, by ordinal; blocks decide; what is due
is made. What a wave makes, the next one sees: it goes one level of blocks at a time.
"""

from .blocks import decide, lose
from .children import tell_parent
from .definition import Step
from .judging import judge
from .making import count_joins, due_steps, make
from .model import Instance, Row, Scope
from .seeing import Fails, value_of
from .undoing import begin_block, begin_scope, can_undo, go_back, go_back_block, something_to_undo
from .waiting import take_kept

OUTPUT = "workflow.output"


def run(instance: Instance) -> None:
    """Carry a transition on to its end; then hold or release what is due."""
    while True:
        judged = judge(instance)
        if not _wave(instance) and not judged:
            break
    for row in instance.rows():
        if row.state in ("READY", "QUEUED") and not row.rests:
            row.state = "READY" if instance.held else "QUEUED"
    tell_parent(instance)


def _wave(instance: Instance) -> bool:
    """Carry out one wave but for its failures; tell whether it did anything."""
    instance.goes_on = False
    # Edges have passed before anything that closes by a decision of this wave.
    for scope in instance.scopes():
        if scope.state == "OPEN":
            count_joins(scope)
    ended, moved = _settle(instance)
    blocks = {scope.block: None for scope in ended if scope.block is not None}
    # All decide on what was counted: what one closes beneath it may have decided too.
    for block in sorted(blocks, key=lambda block: -block.scope.depth):
        if _decides(block):
            decide(instance, block)
    for row in instance.rows():
        if row.unwinds and _unwound(instance, row):
            row.unwinds, moved = False, True
            if row.open:
                instance.end(row, "FAILED", row.step.default)
    open_scopes = [scope for scope in instance.scopes() if scope.state == "OPEN"]
    due = [(scope, step) for scope in open_scopes for step in due_steps(scope)]
    for scope in open_scopes:
        count_joins(scope)
    for scope, step in due:
        make(instance, scope, step)
    take_kept(instance)
    return moved or bool(due) or instance.goes_on


def _decides(block: Row) -> bool:
    """Tell whether a block may decide: its own scope is OPEN, and it has not failed itself."""
    waits = block.open and block.state == "WAITING" and not block.unwinds
    return waits and block.scope.state == "OPEN"


# Scopes


def _settle(instance: Instance) -> tuple[list[Scope], bool]:
    """Move on what has ended or drained, as it was before this wave.

    Return what has ended, and whether anything moved.
    """
    scopes = instance.scopes()
    complete = [s for s in scopes if s.state == "OPEN" and s.list_ended and s.block is not None]
    drained = [s for s in scopes if s.state == "CLOSING" and s.drained()]
    returned = [s for s in scopes if s.state == "COMPENSATING" and _is_back(instance, s)]
    for scope in drained:
        if scope.outermost and scope.undoes and something_to_undo(scope):
            scope.state, scope.back = "COMPENSATING", begin_scope(scope)
            _is_back(instance, scope)
        else:
            scope.state = scope.ends_as or "CANCELLED"
    for scope in returned:
        scope.state, scope.back = scope.ends_as or "CANCELLED", None
    # Last, as what is late closes what lies in it.
    for scope in complete:
        if _is_late(scope):
            lose(instance, scope)
        else:
            scope.state = scope.ends_as = "SUCCEEDED"
            last = scope.find(scope.branch.steps[-1].id)
            scope.output = None if last is None else last.output
    moved = [*complete, *drained, *returned]
    settled = _settle_instance(instance)
    return [scope for scope in moved if scope.ended], bool(moved) or settled


def _is_late(scope: Scope) -> bool:
    """Tell whether as many of its block's scopes have succeeded as are needed."""
    block = scope.block
    assert block is not None
    done = sum(1 for s in block.scopes if s.state == "SUCCEEDED")
    return block.step.join is not None and done >= block.step.join


def _is_back(instance: Instance, scope: Scope) -> bool:
    return scope.back is not None and go_back(instance, scope.back)


def _unwound(instance: Instance, row: Row) -> bool:
    """Tell whether a failed block has drained and is undone, so that its step goes on.

    A way back that has begun is finished though a scope around it closes.
    """
    if row.back is None:
        # What is undone beneath, of losers, goes before.
        if not all(scope.ended and scope.drained() for scope in row.scopes):
            return False
        undoes = row.step.undo and instance.workflow.on_failure != "fail"
        if not (undoes and can_undo(row)):
            return True
        row.back = begin_block(row)
    if not go_back_block(instance, row.back):
        return False
    row.back = None
    return True


# The instance


def _settle_instance(instance: Instance) -> bool:
    root = instance.root
    if instance.state == "RUNNING" and root.list_ended and root.drained():
        _succeed(instance)
        return True
    if instance.state == "CLOSING" and root.state == "COMPENSATING":
        instance.state = "COMPENSATING"
    elif instance.state in ("CLOSING", "COMPENSATING") and root.ended and _has_told(instance):
        assert instance.closing_as is not None
        instance.state = "FAILED" if instance.given_up else instance.closing_as
        instance.held = False
    return False


def _has_told(instance: Instance) -> bool:
    """Have a failure told, once, when all is undone; tell whether that is over."""
    root, step = instance.root, instance.workflow.on_failed
    if step is None or instance.closing_as == "CANCELLED" or instance.undone_by is not None:
        return True
    row = root.find(step.id)
    if row is not None:
        return not row.open
    row = Row(root, step, made=True)
    root.rows.append(row)
    try:
        row.input = value_of(instance, root, step.value, {"error": instance.error})
    except Fails as failed:
        row.state, row.error = "DEAD_LETTER", failed.error
    else:
        row.has_input = True
        row.come_due(instance.now, anew=True)
    return False


def _succeed(instance: Instance) -> None:
    """End an instance of which all has drained, with its output."""
    root = instance.root
    row = root.find(OUTPUT)
    try:
        if root.returned:
            output = root.output
        else:
            output = row.output if row else value_of(instance, root, instance.workflow.output)
    except Fails as failed:
        row = Row(root, Step(OUTPUT, "set"), made=True, state="DEAD_LETTER", asked="workflow")
        row.error, row.wrong = failed.error, "value"
        root.rows.append(row)
        return
    root.state = root.ends_as = "SUCCEEDED"
    instance.state, instance.output, instance.deadline_at = "SUCCEEDED", output, None
    instance.held = False
