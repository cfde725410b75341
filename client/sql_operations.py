"""The operations as statements: the functions and views of docs/sql-api.md."""

from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import msgspec

from ..engine import json_text
from ..engine.calls import reads
from ..engine.calls.base import json_array, json_of, trace_of
from ..engine.calls.clock import APPLY_DELIVERIES
from ..engine.calls.deferred import COMPLETE_DEFERRED_TASKS, FAIL_DEFERRED_TASKS
from ..engine.calls.lists import dead_letters
from ..engine.calls.operators import (
    DISCARD_DEAD_LETTERS,
    ERASE_INSTANCES,
    REDRIVE_DEAD_LETTERS,
    SKIP_DEAD_LETTERS,
)
from ..engine.calls.search import by_labels, not_listed
from ..engine.calls.waiting import (
    AT_ONCE,
    SEND_EVENTS,
    SEND_SIGNALS,
    SIGNAL_WITH_START,
    find_schema,
    find_schema_at_start,
)
from ..engine.calls.workflows import (
    CANCEL_INSTANCES,
    EXPLAIN_INSTANCE,
    REGISTER_WORKFLOW,
    RESUME_INSTANCES,
    SET_LABELS,
    START_INSTANCES,
    SUSPEND_INSTANCES,
    labels_of,
    require_offset,
)
from ..engine.definition import check_input, compile_definition, parse
from ..engine.errors import BadArgument, Fault, NotFound, OnceflowError, Refused
from ..engine.ids import make_ids
from ..engine.tracing import current_trace
from .conversion import to_json
from .errors import WrongInput
from .model import Because, DeadLetter, Decided, Deployed, Instance, Started, Status
from .operations import (
    Key,
    Labels,
    OutsideError,
    Page,
    Plan,
    Signal,
    Start,
    Wanted,
    conflict,
    disabled,
    in_order,
    require_version,
    too_late,
    written,
)
from .sql_forms import SqlForms
from .statements import Statement, in_json, name_of, read_rows

SUMMARY: Final[LiteralString] = """id, key, workflow, version, state as status, closing_as,
    suspended_by, started_at, ended_at, deadline_at, erased_at, error, labels"""
LETTER: Final[LiteralString] = """instance_id as instance, task, path, workflow, version, step,
    queue, attempts, input, error, died_at, takes"""
PLACES: Final = {
    "invalid_key": "/key",
    "invalid_id": "/id",
    "invalid_start_at": "/start_at",
    "labels": "/labels",
}


class Version(msgspec.Struct):
    """A version of a workflow, as a start needs it."""

    name: str
    version: int
    input_schema: msgspec.Raw


class Item(msgspec.Struct):
    """What became of one instance that was to be started."""

    instance_id: UUID | None
    outcome: str
    state: Status | None
    error: dict[str, Any] | None
    signal: str | None = None
    detail: str | None = None

    def read(self, start: Start) -> Started | OnceflowError:
        """Return the instance, or why there is none."""
        if self.outcome == "conflict":
            return conflict(start, self.instance_id)
        if self.outcome == "disabled":
            return disabled((self.error or {}).get("message", ""))
        if self.instance_id is None or self.state is None:
            error = self.error or {}
            place = PLACES.get(error.get("code", ""), "/input")
            listed = error.get("faults") or [{"message": "is refused", "place": "", **error}]
            return WrongInput([Fault(place + one["place"], one["message"]) for one in listed])
        if self.signal == "invalid":
            return BadArgument(f"instance {self.instance_id} takes no such signal: {self.detail}")
        if self.signal not in (None, "accepted", "repeated"):
            return Refused(f"instance {self.instance_id} does not take the signal: {self.detail}")
        return Started(
            self.instance_id, self.state, "started" if self.outcome == "started" else "exists"
        )


class SqlOperations(SqlForms):
    """Every operation, as statements."""

    def deploy(self, definition: str | bytes) -> Plan[Statement, Deployed]:
        compiled = compile_definition(parse(definition, "yaml"))
        rows = yield in_json(REGISTER_WORKFLOW, (json_text.encode(compiled),))
        return read_rows(rows, Deployed)[0]

    def start(
        self,
        workflow: str,
        version: int | None,
        starts: Sequence[Start],
        signal: Signal | None = None,
    ) -> Plan[Statement, list[Started | OnceflowError]]:
        require_version(workflow, version)
        columns: LiteralString = "name, version, input_schema"
        rows = yield in_json(*reads.find_version(columns, workflow, version))
        if not rows:
            yield from name_of(workflow)
            raise NotFound(f"there is no version {version} of workflow {workflow}")
        (found,) = read_rows(rows, Version)
        schema = json_text.decode_exact(bytes(found.input_schema))
        inputs = [_checked(schema, written(each)) for each in starts]
        fit = [n for n, text in enumerate(inputs) if isinstance(text, msgspec.Raw)]
        answered: list[Item] = []
        if fit:
            parameters = (
                found.name,
                json_array([inputs[n] for n in fit]),
                [starts[n].key for n in fit],
                found.version,
                # A repeated call, after a slow expression, names them as the first did.
                [starts[n].id or made for n, made in zip(fit, make_ids(len(fit)), strict=True)],
                [require_offset(starts[n].start_at) for n in fit],
                None if (trace := trace_of(current_trace())) is None else [trace] * len(fit),
                labels_of([starts[n].labels for n in fit]),
            )
            question = in_json(START_INSTANCES, parameters)
            if signal is not None:
                start = starts[0]
                asked = find_schema_at_start(
                    found.name, found.version, start.key, start.id, signal.name
                )
                yield from _check_payload(in_json(*asked), msgspec.Raw(to_json(signal.payload)))
                question = in_json(SIGNAL_WITH_START, _with_signal(signal, found, inputs[0], start))
            answered = read_rows((yield question), Item)
        items = iter(answered)
        return [
            next(items).read(each) if isinstance(text, msgspec.Raw) else text
            for each, text in zip(starts, inputs, strict=True)
        ]

    def get(self, instance: UUID) -> Plan[Statement, Instance]:
        rows = yield in_json(*reads.find_instance(f"{SUMMARY}, input, output", instance))
        if not rows:
            raise NotFound(f"there is no instance {instance}")
        return read_rows(rows, Instance)[0]

    def instances(self, wanted: Wanted, limit: int, cursor: str) -> Plan[Statement, Page[Instance]]:
        name = (yield from name_of(wanted.workflow)) if wanted.workflow is not None else None
        chosen = reads.InstanceFilter(
            workflow=name,
            states=None if wanted.status is None else [wanted.status],
            suspended=wanted.suspended,
            key=wanted.key,
            fields={**wanted.fields, **by_labels(wanted.labels)},
            before=UUID(cursor) if cursor else None,
        )
        asked = reads.list_instances(SUMMARY, chosen, limit)
        if reads.by_fields_alone(chosen):
            ids = read_rows((yield in_json(*reads.list_found_ids(chosen, limit))), dict[str, UUID])
            asked = reads.list_these(SUMMARY, [each["id"] for each in ids])
        found = read_rows((yield in_json(*asked)), Instance)
        if not found and wanted.fields:
            names = read_rows((yield in_json(*reads.list_fields())), dict[str, str])
            if fault := not_listed(wanted.fields, [each["name"] for each in names]):
                raise BadArgument(fault)
        return Page(found, str(found[-1].id) if len(found) == limit else None)

    def explain(self, instance: UUID) -> Plan[Statement, list[Because]]:
        return read_rows((yield in_json(EXPLAIN_INSTANCE, (instance,))), Because)

    def cancel(self, instance: UUID) -> Plan[Statement, str]:
        return (yield from _decide(CANCEL_INSTANCES, instance))

    def suspend(self, instance: UUID) -> Plan[Statement, str]:
        return (yield from _decide(SUSPEND_INSTANCES, instance))

    def resume(self, instance: UUID) -> Plan[Statement, str]:
        return (yield from _decide(RESUME_INSTANCES, instance))

    def set_labels(self, instance: UUID, labels: Labels) -> Plan[Statement, dict[str, str]]:
        text = yield from _decide(SET_LABELS, instance, to_json(labels).decode(), None)
        return msgspec.json.decode(text, type=dict[str, str])

    def erase(self, instance: UUID, by: str | None) -> Plan[Statement, str]:
        return (yield from _decide(ERASE_INSTANCES, instance, by))

    def dead_letters(
        self, workflow: str | None, limit: int, cursor: str
    ) -> Plan[Statement, Page[DeadLetter]]:
        name = (yield from name_of(workflow)) if workflow is not None else None
        after = msgspec.json.decode(cursor, type=tuple[UUID, str]) if cursor else None
        wanted = dead_letters.DeadLetterFilter(workflow=name)
        rows = yield in_json(
            *dead_letters.page_dead_letters(LETTER, wanted, limit, after, whole=True)
        )
        found = read_rows(rows, DeadLetter)
        last = (found[-1].instance, found[-1].task) if len(found) == limit else None
        return Page(found, None if last is None else msgspec.json.encode(last).decode())

    def redrive(self, keys: Sequence[Key], inputs: Sequence[Any]) -> Plan[Statement, list[Decided]]:
        given = json_array([msgspec.Raw(to_json(each)) for each in inputs])
        return (yield from _decide_letters(REDRIVE_DEAD_LETTERS, keys, given))

    def skip(self, keys: Sequence[Key], output: Any) -> Plan[Statement, list[Decided]]:
        given = json_array([msgspec.Raw(to_json(output))] * len(keys))
        return (yield from _decide_letters(SKIP_DEAD_LETTERS, keys, given))

    def discard(self, keys: Sequence[Key]) -> Plan[Statement, list[Decided]]:
        return (yield from _decide_letters(DISCARD_DEAD_LETTERS, keys))

    def signal(
        self, instance: UUID, name: str, payload: Any, key: str | None
    ) -> Plan[Statement, str]:
        text = msgspec.Raw(to_json(payload))
        yield from _check_payload(in_json(*find_schema(instance, name)), text)
        parameters = ([instance], [name], json_array([text]), [key])
        (sent,) = read_rows((yield in_json(SEND_SIGNALS, parameters)), _Sent)
        if sent.outcome == "unknown":
            raise NotFound(f"there is no instance {instance}")
        return _sent(sent)

    def send_event(
        self, name: str, key: str, payload: Any, event_id: str | None
    ) -> Plan[Statement, str]:
        given = json_array([msgspec.Raw(to_json(payload))])
        (sent,) = read_rows((yield in_json(SEND_EVENTS, ([name], [key], given, [event_id]))), _Sent)
        if sent.waited:
            yield in_json(APPLY_DELIVERIES, (AT_ONCE, 0))
        return _sent(sent)

    def complete(self, token: str, output: Any) -> Plan[Statement, str]:
        given = json_array([msgspec.Raw(to_json(output))])
        return (yield from _answer(COMPLETE_DEFERRED_TASKS, token, given))

    def fail(self, token: str, error: OutsideError, retryable: bool) -> Plan[Statement, str]:
        given = json_array([msgspec.Raw(to_json(error))])
        return (yield from _answer(FAIL_DEFERRED_TASKS, token, given, [retryable]))


def _check_payload(asked: Statement, text: msgspec.Raw) -> Plan[Statement, None]:
    """Check a signal's payload by the schema that is asked for. Raises BadArgument."""
    declared = read_rows((yield asked), _Declared)
    if faults := check_input(declared[0].schema, text) if declared else []:
        placed = (Fault(f"/payload{fault.place}", fault.message) for fault in faults)
        told = "; ".join(map(str, placed))
        raise BadArgument(f"the payload does not fit the schema of the signal: {told}")


def _with_signal(
    signal: Signal, found: Version, text: msgspec.Raw | WrongInput, start: Start
) -> tuple[Any, ...]:
    """Return the parameters of a start with a signal."""
    return (
        found.name,
        json_of(text),
        start.key,
        signal.name,
        json_of(msgspec.Raw(to_json(signal.payload))),
        # So that the call can be repeated, after a slow expression.
        uuid4().hex if signal.key is None else signal.key,
        found.version,
        start.id or make_ids(1)[0],
        require_offset(start.start_at),
        trace_of(current_trace()),
        None if start.labels is None else json_of(msgspec.Raw(to_json(start.labels))),
    )


class _Outcome(msgspec.Struct):
    instance_id: UUID
    outcome: str
    detail: str | None


class _Sent(msgspec.Struct):
    outcome: str
    detail: str
    waited: int = 0


class _Declared(msgspec.Struct):
    schema: msgspec.Raw


class _AnsweredToken(msgspec.Struct):
    answer: str


class _LetterOutcome(_Outcome):
    task: str


def _checked(schema: Any, text: msgspec.Raw | WrongInput) -> msgspec.Raw | WrongInput:
    """Return an input unless it does not fit."""
    if not isinstance(text, msgspec.Raw):
        return text
    wrong = check_input(schema, text)
    faults = [Fault(f"/input{fault.place}", fault.message) for fault in wrong]
    return WrongInput(faults) if faults else text


def _answer(text: LiteralString, token: str, *more: Any) -> Plan[Statement, str]:
    (answered,) = read_rows((yield in_json(text, ([token], *more))), _AnsweredToken)
    if answered.answer == "stale":
        raise too_late()
    return answered.answer


def _sent(sent: _Sent) -> str:
    if sent.outcome == "invalid":
        raise BadArgument(sent.detail)
    if sent.outcome not in ("accepted", "sent", "repeated"):
        raise Refused(f"refused: {sent.detail}")
    return sent.outcome


def _decide(text: LiteralString, instance: UUID, *more: Any) -> Plan[Statement, str]:
    (decided,) = read_rows((yield in_json(text, ([instance], *more))), _Outcome)
    if decided.outcome == "unknown":
        raise NotFound(f"there is no instance {instance}")
    if decided.outcome == "refused":
        raise Refused(f"refused: {decided.detail}")
    return decided.detail or ""


def _decide_letters(
    text: LiteralString, keys: Sequence[Key], *more: Any
) -> Plan[Statement, list[Decided]]:
    if not keys:
        return []
    columns = ([instance for instance, _ in keys], [task for _, task in keys])
    rows = read_rows((yield in_json(text, (*columns, *more))), _LetterOutcome)
    return in_order(
        keys,
        [
            Decided(
                row.instance_id,
                row.task,
                "done" if row.outcome == "done" else "refused",
                row.detail or "",
            )
            for row in rows
        ],
    )
