"""Calls about workflows and their instances."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, LiteralString, TypeAlias, cast
from uuid import UUID

import msgspec

from ..errors import BadArgument, Refused
from ..ids import make_hex_ids
from ..json_text import Json
from ..tracing import Trace
from .base import (
    Connection,
    Decided,
    Record,
    array_of,
    change,
    decided,
    fetch,
    json_array,
    json_of,
    trace_of,
    uuid_array,
    word,
)
from .slow_expressions import in_time

REGISTER_WORKFLOW: Final[LiteralString] = """
select workflow_id, name, version, created
  from onceflow.register_workflow(p_compiled => %s::jsonb)"""

START_INSTANCES: Final[LiteralString] = """
select instance_id, outcome, state, error
  from onceflow.start_instances(p_workflow => %s::text, p_inputs => %s::jsonb[],
                                p_keys => %s::text[], p_version => %s::int,
                                p_ids => %s::uuid[], p_start_at => %s::timestamptz[],
                                p_traces => %s::jsonb[], p_labels => %s::jsonb[])
 order by ordinal"""

CANCEL_INSTANCES: Final[LiteralString] = """
select instance_id, null, outcome, detail from onceflow.cancel_instances(p_ids => %s::uuid[])"""

SUSPEND_INSTANCES: Final[LiteralString] = """
select instance_id, null, outcome, detail from onceflow.suspend_instances(p_ids => %s::uuid[])"""

RESUME_INSTANCES: Final[LiteralString] = """
select instance_id, null, outcome, detail from onceflow.resume_instances(p_ids => %s::uuid[])"""

SET_LABELS: Final[LiteralString] = """
select instance_id, null, outcome, detail
  from onceflow.set_labels(p_ids => %s::uuid[], p_labels => %s::jsonb, p_by => %s::text)"""

EXPLAIN_INSTANCE: Final[LiteralString] = """
select task, because, advice, statement from onceflow.explain_instance(p_id => %s::uuid)"""

CHECK_INSTANCES: Final[LiteralString] = """
select instance_id, fault from onceflow.check_instances(p_ids => %s::uuid[])"""


class RegisteredVersion(Record, frozen=True):
    """A version of a workflow; ``created`` is False where its content was the latest already."""

    workflow_id: int
    name: str
    version: int
    created: bool


Labels: TypeAlias = Mapping[str, str | int | float | bool | Decimal | None] | msgspec.Raw
"""Of an instance, by their names, or the JSON of them; None takes one away."""

OUTCOMES: Final = ("started", "exists", "conflict", "invalid", "disabled")


class Started(Record, frozen=True):
    """What became of one item of a start.

    ``started``: now. ``exists``: by an earlier call with the same key or id. ``conflict``: that
    call had another input; nothing was started, and ``found`` is its instance. ``invalid``: nothing
    was started, and ``error`` {code, message} says why. ``disabled``: nothing was started, since
    an operator lets none of the workflow start. ``state`` is that of ``found``.
    """

    found: UUID | None
    outcome: Literal["started", "exists", "conflict", "invalid", "disabled"]
    state: str | None
    error: dict[str, Any] | None = None

    @property
    def instance_id(self) -> UUID:
        """The instance, for who expects one.

        Raises BadArgument where the item was invalid, Refused where its workflow is disabled.
        """
        if self.found is None:
            message = (self.error or {}).get("message", "the item was refused")
            raise (Refused if self.outcome == "disabled" else BadArgument)(message)
        return self.found


class Because(Record, frozen=True):
    """A reason, in words, why an instance (task None) or one of its tasks is not moving.

    ``advice`` says what to do, where something is: {verb, args}; ``statement`` how to in SQL, where
    SQL can. ``engine.advice`` writes it for a command line.
    """

    task: str | None
    because: str
    advice: dict[str, Any] | None = None
    statement: str | None = None


class InstanceFault(Record, frozen=True):
    """A broken invariant, as check_instances found it: always a bug or a hand-made change."""

    instance_id: UUID
    fault: str


def register_workflow(conn: Connection, compiled: Mapping[str, Any]) -> RegisteredVersion:
    """Store a compiled definition as a version of its workflow; the latest again changes nothing.

    ``compiled`` is what ``engine.definition.compile_definition`` returns. Raises DefinitionError.
    """
    (row,) = change(conn, REGISTER_WORKFLOW, (json_of(compiled),))
    return RegisteredVersion(*row)


def require_offset(time: datetime | None) -> datetime | None:
    """Return a time; raise BadArgument where it does not say what its hours count from."""
    if time is not None and time.utcoffset() is None:
        told, hint = without_offset(time)
        raise BadArgument(told, hint=hint)
    return time


def without_offset(time: datetime) -> tuple[str, str]:
    """Return what is wrong with a time that does not say what its hours count from, and the mend.

    No offset is assumed: the machine that reads it may stand elsewhere than the one that wrote it.
    """
    text = time.isoformat()
    return f"the time {text} has no offset from UTC", f"write {text}+01:00, or {text}Z for UTC"


def start_instances(
    conn: Connection,
    workflow: str,
    inputs: Sequence[Json],
    keys: Sequence[str | None] | None = None,
    version: int | None = None,
    ids: Sequence[UUID] | None = None,
    start_at: Sequence[datetime | None] | None = None,
    traces: Sequence[Trace | None] | None = None,
    labels: Sequence[Labels | None] | None = None,
) -> list[Started]:
    """Start one instance per input; the answers stand in the order of the inputs.

    ``workflow`` is a name; ``version`` is the latest unless given. ``keys`` are idempotency keys,
    as many as inputs; None starts without one. ``ids`` are of ``engine.ids.make_ids``, made here
    unless given; a call whose reply was lost is repeated with the same. ``start_at`` are times with
    their offset from UTC, at which the first steps come due; None: at once. ``traces``
    are W3C trace contexts, as many as inputs (see ``engine.tracing``). ``labels``, as many as
    inputs, go over those that the definition gives; None of one takes it away. One that is invalid
    keeps no other from being started. Inputs are not checked against the workflow's schema here.
    Raises NotFound, BadArgument.
    """
    parameters = (
        workflow,
        json_array(inputs),
        None if keys is None else list(keys),
        version,
        array_of(make_hex_ids(len(inputs))) if ids is None else uuid_array(ids),
        None if start_at is None else [require_offset(each) for each in start_at],
        None if traces is None else [trace_of(each) for each in traces],
        labels_of(labels),
    )
    return [
        Started(found, word(outcome, *OUTCOMES), state, error)
        for found, outcome, state, error in in_time(
            conn, lambda: fetch(conn, START_INSTANCES, parameters)
        )
    ]


def labels_of(labels: Sequence[Labels | None] | None) -> list[str | None] | None:
    """Return labels, one object an instance, as the database takes them."""
    if labels is None or all(each is None for each in labels):
        return None
    return [None if each is None else json_of(cast(Json, each)) for each in labels]


def set_labels(
    conn: Connection, ids: Sequence[UUID], labels: Labels, by: str | None = None
) -> list[Decided]:
    """Give instances labels, beside those they have; None takes one away. ``detail`` has all.

    ``by`` is who does it: the login unless given. Raises BadArgument for what is no label.
    """
    return decided(change(conn, SET_LABELS, (list(ids), json_of(cast(Json, labels)), by)))


def cancel_instances(conn: Connection, ids: Sequence[UUID]) -> list[Decided]:
    """Cancel instances: what waits is cancelled, what runs is told to stop, then the way back."""
    return decided(in_time(conn, lambda: change(conn, CANCEL_INSTANCES, (list(ids),))))


def suspend_instances(conn: Connection, ids: Sequence[UUID]) -> list[Decided]:
    """Suspend instances: answers are still recorded, nothing new is given out until a resume."""
    return decided(in_time(conn, lambda: change(conn, SUSPEND_INSTANCES, (list(ids),))))


def resume_instances(conn: Connection, ids: Sequence[UUID]) -> list[Decided]:
    """Resume suspended instances: what has become due meanwhile is given out."""
    return decided(in_time(conn, lambda: change(conn, RESUME_INSTANCES, (list(ids),))))


def explain_instance(conn: Connection, instance_id: UUID) -> list[Because]:
    """Say why an instance is not moving. Raises NotFound."""
    return [Because(*row) for row in fetch(conn, EXPLAIN_INSTANCE, (instance_id,))]


def check_instances(conn: Connection, ids: Sequence[UUID] | None = None) -> list[InstanceFault]:
    """Check the invariants of these instances (of all, unless given); none broken gives []."""
    rows = fetch(conn, CHECK_INSTANCES, (None if ids is None else list(ids),))
    return [InstanceFault(*row) for row in rows]
