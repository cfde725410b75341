"""Closing: what is open in a scope ends, but for what runs, which is awaited, and children."""

from collections.abc import Set

from .children import awaits_child, tell
from .model import Error, Instance, Row, Scope


def close(
    instance: Instance,
    scope: Scope,
    *,
    outermost: bool,
    undoes: bool = True,
    failed: Set[Row] = frozenset(),
    way: Set[Row | Scope] = frozenset(),
    failed_end_as: str = "FAILED",
) -> None:
    """Close a scope and all beneath it, in the transition under way.

    ``failed`` are rows whose failures are judged with this, ``way`` the blocks and scopes between
    them and here: they end FAILED, all else CANCELLED. An ``outermost`` scope undoes itself once it
    has drained. No closing touches a compensation; a way back that has begun is finished.
    """
    if scope.state == "WAITING":
        scope.state = scope.ends_as = "CANCELLED"
        return
    if scope.state == "OPEN":
        scope.state, scope.ends_as = "CLOSING", "FAILED" if scope in way else "CANCELLED"
        scope.outermost, scope.undoes = outermost, undoes
        # Of those that fail in one scope together the first tells why.
        own = sorted((row for row in failed if row.scope.within(scope)), key=lambda row: row.key)
        if own and scope.ends_as == "FAILED":
            scope.error = own[0].error
    elif scope.state == "CLOSING":
        scope.outermost = outermost and scope.outermost
    for row in scope.rows:
        if row.undoes is None and row.open:
            _end(instance, row, failed, way, failed_end_as)
        for inner in row.scopes:
            close(
                instance,
                inner,
                outermost=False,
                failed=failed,
                way=way,
                failed_end_as=failed_end_as,
            )


def _end(
    instance: Instance, row: Row, failed: Set[Row], way: Set[Row | Scope], failed_end_as: str
) -> None:
    if row in failed:
        instance.end(row, failed_end_as)
    elif row in way:
        # Of those that fail beneath it together the first tells why.
        beneath = [f for f in failed if any(f.scope.within(scope) for scope in row.scopes)]
        first = min(beneath, key=lambda other: other.key)
        instance.end(row, "FAILED", error=row.error or first.error)
    elif row.state == "DEAD_LETTER":
        instance.end(row, "DEAD_LETTER")
    elif awaits_child(row):
        row.due_at = None
        tell(instance, row, "cancel")
    elif row.state != "RUNNING":
        instance.end(row, "CANCELLED")
    if row.back is None:
        row.unwinds = False


def close_instance(
    instance: Instance,
    closing_as: str,
    error: Error | None,
    *,
    failed: Set[Row] = frozenset(),
    way: Set[Row | Scope] = frozenset(),
    lifts: bool = False,
) -> None:
    """Begin the end of a RUNNING instance; ``lifts`` an operator's suspension, as cancel does."""
    instance.state, instance.closing_as = "CLOSING", closing_as
    instance.error, instance.deadline_at = error, None
    instance.held = instance.held and not lifts
    close(
        instance,
        instance.root,
        outermost=True,
        undoes=closing_as != "FAILED",
        failed=failed,
        way=way,
        failed_end_as="DEAD_LETTER",
    )
