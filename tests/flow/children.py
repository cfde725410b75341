"""Children: instances that steps have started, told and heard of by deliveries alone.

No transition reads another instance: what one has to say to another is sent, and applied in a
transition of the receiver.
"""

from typing import Any

from .model import ENDED, Delivery, Instance, Row

Json = Any


def begin_child(instance: Instance, row: Row) -> None:
    """Have an instance started, with the input of its row, once all of its wave have begun."""
    row.child = f"{row.path}({row.children})/"
    row.children += 1
    if row.step.timeout is not None:
        row.due_at = instance.now + row.step.timeout
    instance.beginning.append(row)


def begin_undoing(instance: Instance, row: Row) -> None:
    """Have an instance undone that has SUCCEEDED, or let that rest while there is a hold."""
    assert row.undoes is not None
    row.rests = instance.held
    row.state = "READY" if row.rests else "WAITING"
    if not row.rests:
        row.child = row.undoes.child
        tell(instance, row, "undo")


def tell(instance: Instance, row: Row, what: str) -> None:
    """Send something to the instance that a row has had started."""
    assert row.child is not None
    instance.sent.append(Delivery(row.child, what, row, instance.prefix))


def awaits_child(row: Row) -> bool:
    """Tell whether a row waits for an instance to end, as it does though its scope closes."""
    return row.child is not None and row.open and row.state == "WAITING"


def tell_parent(instance: Instance) -> None:
    """Tell the row that waits for the end of an instance how it has ended, once."""
    row = instance.answers
    if row is None or instance.state not in ENDED:
        return
    instance.answers = None
    is_well = instance.state == ("SUCCEEDED" if row.undoes is None else "COMPENSATED")
    code = (instance.error or {}).get("code", "cancelled")
    parent = row.scope.instance_prefix
    error = None if is_well else {"code": code}
    output = instance.output if row.undoes is None else None
    instance.sent.append(Delivery(parent, "end", row, instance.prefix, output, error))


def hear(instance: Instance, end: Delivery) -> None:
    """End the row that waited for an instance, or for its undoing, with what it has heard."""
    row = end.row
    if not (awaits_child(row) and row.child == end.sender):
        return
    if end.error is None:
        instance.end(row, "SUCCEEDED", end.output)
    elif row.undoes is not None:
        row.state, row.error = "DEAD_LETTER", end.error
    elif row.scope.state != "OPEN":
        instance.end(row, "CANCELLED", error=row.error or end.error)
    else:
        instance.fail(row, row.error or end.error)


def reopen(instance: Instance) -> None:
    """Begin the way back of an instance that has SUCCEEDED: the step that started it is undone."""
    instance.state, instance.closing_as = "CLOSING", "COMPENSATED"
    instance.undone_by = instance.answers
    instance.output, instance.error = None, {"code": "parent.undone"}
    root = instance.root
    root.state, root.ends_as = "CLOSING", "CANCELLED"
    root.outermost = root.undoes = True
