"""The operations as requests to the REST API (docs/api.md)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import msgspec

from ..engine.calls.workflows import require_offset
from ..engine.definition import compile_definition, parse
from ..engine.errors import (
    DefinitionError,
    Fault,
    OnceflowError,
    Refused,
)
from .errors import WrongInput
from .http_forms import HttpForms
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
    batches,
    conflict,
    disabled,
    in_order,
    require_version,
    written,
)
from .requests import BATCH, Answered, Request, list_of, post, raw, read_answer, refusal_of

HEAVIEST: Final = 8 << 20
"""Bytes of inputs in one request; the API takes some more."""
ANOTHER_INPUT: Final = "urn:onceflow:another-input"
"""The type of the refusal of a key or id that has started an instance with another input."""


class Item(msgspec.Struct):
    """What became of one instance that was to be started."""

    id: UUID | None
    status: Status | None
    outcome: str
    faults: list[Fault]

    def read(self, start: Start, place: str) -> Started | OnceflowError:
        """Return the instance, or why there is none; ``place`` is that of the item."""
        if self.outcome == "conflict":
            return conflict(start, self.id)
        if self.outcome == "disabled":
            return disabled(self.faults[0].message if self.faults else "")
        if self.id is None or self.status is None:
            return WrongInput([_within(fault, place) for fault in self.faults])
        return Started(self.id, self.status, "started" if self.outcome == "started" else "exists")


class HttpOperations(HttpForms):
    """Every operation, as requests."""

    def deploy(self, definition: str | bytes) -> Plan[Request, Deployed]:
        compile_definition(parse(definition, "yaml"))  # its faults have lines and columns here
        text = definition.encode() if isinstance(definition, str) else definition
        answer: Answered = yield Request("POST", "workflows", {}, text, "application/yaml")
        if answer.status == 422:
            refusal = refusal_of(answer)
            raise DefinitionError(str(refusal), refusal.faults or None)
        return read_answer(answer, Deployed)

    def start(
        self,
        workflow: str,
        version: int | None,
        starts: Sequence[Start],
        signal: Signal | None = None,
    ) -> Plan[Request, list[Started | OnceflowError]]:
        require_version(workflow, version)
        if signal is not None:
            return [(yield from _start_with(signal, workflow, version, starts[0]))]
        answers: list[Started | OnceflowError] = []
        for batch in _starts_by_request(starts):
            sent = [_item(each, text) for each, text in batch if isinstance(text, msgspec.Raw)]
            body = {"instances": sent, "version": version}
            answered: list[Item] = []
            if sent:
                path = f"workflows/{quote(workflow, '')}/instances"
                answered = read_answer((yield post(path, body)), _Batch).instances
            items = iter(enumerate(answered))
            for each, text in batch:
                if not isinstance(text, msgspec.Raw):
                    answers.append(text)
                    continue
                n, item = next(items)
                answers.append(item.read(each, f"/instances/{n}"))
        return answers

    def get(self, instance: UUID) -> Plan[Request, Instance]:
        return read_answer((yield Request("GET", f"instances/{instance}")), Instance)

    def instances(self, wanted: Wanted, limit: int, cursor: str) -> Plan[Request, Page[Instance]]:
        query: dict[str, str | int | None] = {
            "workflow": wanted.workflow,
            "status": wanted.status,
            "suspended": None if wanted.suspended is None else str(wanted.suspended).lower(),
            "key": wanted.key,
            **{f"input.{field}": value for field, value in wanted.fields.items()},
            **{f"label.{name}": value for name, value in wanted.labels.items()},
        }
        return read_answer((yield list_of("instances", query, limit, cursor)), Page[Instance])

    def explain(self, instance: UUID) -> Plan[Request, list[Because]]:
        answer: Answered = yield Request("GET", f"instances/{instance}/explain")
        return read_answer(answer, _Explanation).because

    def cancel(self, instance: UUID) -> Plan[Request, str]:
        return (yield from _decide(instance, "cancel"))

    def suspend(self, instance: UUID) -> Plan[Request, str]:
        return (yield from _decide(instance, "suspend"))

    def resume(self, instance: UUID) -> Plan[Request, str]:
        return (yield from _decide(instance, "resume"))

    def set_labels(self, instance: UUID, labels: Labels) -> Plan[Request, dict[str, str]]:
        answer: Answered = yield post(f"instances/{instance}/labels", {"labels": labels})
        return read_answer(answer, _Labels).labels

    def erase(self, instance: UUID, by: str | None) -> Plan[Request, str]:
        answer: Answered = yield post(f"instances/{instance}/erase", {"by": by})
        return read_answer(answer, _Decision).detail

    def dead_letters(
        self, workflow: str | None, limit: int, cursor: str
    ) -> Plan[Request, Page[DeadLetter]]:
        answer: Answered = yield list_of("dead-letters", {"workflow": workflow}, limit, cursor)
        return read_answer(answer, Page[DeadLetter])

    def redrive(self, keys: Sequence[Key], inputs: Sequence[Any]) -> Plan[Request, list[Decided]]:
        given = [{} if each is None else {"input": raw(each)} for each in inputs]
        return (yield from _decide_letters("redrive", keys, given))

    def skip(self, keys: Sequence[Key], output: Any) -> Plan[Request, list[Decided]]:
        return (yield from _decide_letters("skip", keys, [{"output": raw(output)}] * len(keys)))

    def discard(self, keys: Sequence[Key]) -> Plan[Request, list[Decided]]:
        return (yield from _decide_letters("discard", keys, [_NOTHING] * len(keys)))

    def signal(
        self, instance: UUID, name: str, payload: Any, key: str | None
    ) -> Plan[Request, str]:
        body = {"payload": raw(payload), "key": key}
        path = f"instances/{instance}/signals/{quote(name, '')}"
        return read_answer((yield post(path, body)), _Sent).outcome

    def send_event(
        self, name: str, key: str, payload: Any, event_id: str | None
    ) -> Plan[Request, str]:
        body = {"name": name, "key": key, "payload": raw(payload), "id": event_id}
        return read_answer((yield post("events", body)), _Sent).outcome

    def complete(self, token: str, output: Any) -> Plan[Request, str]:
        return (yield from _answer("complete", {"token": token, "output": raw(output)}))

    def fail(self, token: str, error: OutsideError, retryable: bool) -> Plan[Request, str]:
        body = {"token": token, "error": error, "retryable": retryable}
        return (yield from _answer("fail", body))


_NOTHING: Final[Mapping[str, Any]] = {}


class _Batch(msgspec.Struct):
    instances: list[Item]


class _Labels(msgspec.Struct):
    labels: dict[str, str]


class _Decision(msgspec.Struct):
    detail: str


class _Decisions(msgspec.Struct):
    decided: list[Decided]


class _Sent(msgspec.Struct):
    outcome: str


class _AnsweredToken(msgspec.Struct):
    answer: str


class _Explanation(msgspec.Struct):
    because: list[Because]


def _starts_by_request(
    starts: Sequence[Start],
) -> Iterator[list[tuple[Start, msgspec.Raw | WrongInput]]]:
    """Return what goes into each request, with the inputs as JSON."""
    batch: list[tuple[Start, msgspec.Raw | WrongInput]] = []
    weight = 0
    for each in starts:
        text = written(each)
        heavy = memoryview(text).nbytes if isinstance(text, msgspec.Raw) else 0
        if batch and (len(batch) == BATCH or weight + heavy > HEAVIEST):
            yield batch
            batch, weight = [], 0
        batch.append((each, text))
        weight += heavy
    if batch:
        yield batch


def _item(start: Start, text: msgspec.Raw) -> dict[str, Any]:
    item = {
        "input": text,
        "key": start.key,
        "id": start.id,
        "start_at": require_offset(start.start_at),
        "labels": start.labels,
    }
    return {name: value for name, value in item.items() if value is not None}


def _start_with(
    signal: Signal, workflow: str, version: int | None, start: Start
) -> Plan[Request, Started | OnceflowError]:
    """Start an instance with a signal; return it, or why there is none."""
    text = written(start)
    if not isinstance(text, msgspec.Raw):
        return text
    sent = {"name": signal.name, "payload": raw(signal.payload), "key": signal.key}
    body = _item(start, text) | {"version": version, "signal": sent}
    answer: Answered = yield post(f"workflows/{quote(workflow, '')}/start", body)
    if answer.status == 422:
        refusal = refusal_of(answer)
        if refusal.type == ANOTHER_INPUT:
            return Refused(f"nothing was started: {' '.join(map(str, refusal.faults))}")
        if refusal.faults and not any(of.place.startswith("/signal") for of in refusal.faults):
            return WrongInput(refusal.faults)
    found = read_answer(answer, Instance)
    return Started(found.id, found.status, "started" if answer.status == 201 else "exists")


def _within(fault: Fault, place: str) -> Fault:
    return Fault(fault.place.removeprefix(place), fault.message)


def _answer(verb: str, body: Mapping[str, Any]) -> Plan[Request, str]:
    answer: Answered = yield post(f"deferred/{verb}", body)
    return read_answer(answer, _AnsweredToken).answer


def _decide(instance: UUID, verb: str) -> Plan[Request, str]:
    answer: Answered = yield Request("POST", f"instances/{instance}/{verb}")
    return read_answer(answer, _Decision).detail


def _decide_letters(
    verb: str, keys: Sequence[Key], given: Sequence[Mapping[str, Any]]
) -> Plan[Request, list[Decided]]:
    named = [
        {"instance": instance, "task": task, **more}
        for (instance, task), more in zip(keys, given, strict=True)
    ]
    decided: list[Decided] = []
    for batch in batches(named, BATCH):
        answer: Answered = yield post(f"dead-letters/{verb}", {"dead_letters": batch})
        decided += read_answer(answer, _Decisions).decided
    return in_order(keys, decided)
