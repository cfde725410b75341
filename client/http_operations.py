"""The operations as requests to the REST API (docs/api.md)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote
from uuid import UUID

import msgspec

from ..engine.calls.workflows import require_offset
from ..engine.definition import compile_definition, parse
from ..engine.errors import (
    BadArgument,
    DefinitionError,
    Fault,
    NotFound,
    OnceflowError,
    Refused,
    ServerError,
)
from .conversion import to_json
from .errors import WrongInput
from .model import Because, DeadLetter, Decided, Deployed, Instance, Started, Status
from .operations import (
    Key,
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

T = TypeVar("T")

BATCH: Final = 1000
"""How many instances or dead letters one request may name."""
HEAVIEST: Final = 8 << 20
"""Bytes of inputs in one request; the API takes some more."""
ANOTHER_INPUT: Final = "was used with another input"
"""What the API says of a key that has started an instance with another input."""


class Request(NamedTuple):
    """A request; ``body`` is its text, of the type ``kind``."""

    method: str
    path: str
    query: Mapping[str, str | int] = {}
    body: bytes | None = None
    kind: str = "application/json"


class Answered(NamedTuple):
    """An answer of the API."""

    status: int
    body: bytes


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


class HttpOperations:
    """Every operation, as requests."""

    def deploy(self, definition: str | bytes) -> Plan[Request, Deployed]:
        compile_definition(parse(definition, "yaml"))  # its faults have lines and columns here
        text = definition.encode() if isinstance(definition, str) else definition
        answer: Answered = yield Request("POST", "workflows", {}, text, "application/yaml")
        if answer.status == 422:
            problem = _problem_of(answer)
            raise DefinitionError(_told(problem), problem.faults or None)
        return _read(answer, Deployed)

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
                answered = _read((yield _post(path, body)), _Batch).instances
            items = iter(enumerate(answered))
            for each, text in batch:
                if not isinstance(text, msgspec.Raw):
                    answers.append(text)
                    continue
                n, item = next(items)
                answers.append(item.read(each, f"/instances/{n}"))
        return answers

    def get(self, instance: UUID) -> Plan[Request, Instance]:
        return _read((yield Request("GET", f"instances/{instance}")), Instance)

    def instances(self, wanted: Wanted, limit: int, cursor: str) -> Plan[Request, Page[Instance]]:
        query: dict[str, str | int | None] = {
            "workflow": wanted.workflow,
            "status": wanted.status,
            "suspended": None if wanted.suspended is None else str(wanted.suspended).lower(),
            "key": wanted.key,
            **{f"input.{field}": value for field, value in wanted.fields.items()},
        }
        return _read((yield _list("instances", query, limit, cursor)), Page[Instance])

    def explain(self, instance: UUID) -> Plan[Request, list[Because]]:
        answer: Answered = yield Request("GET", f"instances/{instance}/explain")
        return _read(answer, _Explanation).because

    def cancel(self, instance: UUID) -> Plan[Request, str]:
        return (yield from _decide(instance, "cancel"))

    def suspend(self, instance: UUID) -> Plan[Request, str]:
        return (yield from _decide(instance, "suspend"))

    def resume(self, instance: UUID) -> Plan[Request, str]:
        return (yield from _decide(instance, "resume"))

    def erase(self, instance: UUID, by: str | None) -> Plan[Request, str]:
        answer: Answered = yield _post(f"instances/{instance}/erase", {"by": by})
        return _read(answer, _Decision).detail

    def dead_letters(
        self, workflow: str | None, limit: int, cursor: str
    ) -> Plan[Request, Page[DeadLetter]]:
        answer: Answered = yield _list("dead-letters", {"workflow": workflow}, limit, cursor)
        return _read(answer, Page[DeadLetter])

    def redrive(self, keys: Sequence[Key], inputs: Sequence[Any]) -> Plan[Request, list[Decided]]:
        given = [{} if each is None else {"input": _raw(each)} for each in inputs]
        return (yield from _decide_letters("redrive", keys, given))

    def skip(self, keys: Sequence[Key], output: Any) -> Plan[Request, list[Decided]]:
        return (yield from _decide_letters("skip", keys, [{"output": _raw(output)}] * len(keys)))

    def discard(self, keys: Sequence[Key]) -> Plan[Request, list[Decided]]:
        return (yield from _decide_letters("discard", keys, [_NOTHING] * len(keys)))

    def signal(
        self, instance: UUID, name: str, payload: Any, key: str | None
    ) -> Plan[Request, str]:
        body = {"payload": _raw(payload), "key": key}
        path = f"instances/{instance}/signals/{quote(name, '')}"
        return _read((yield _post(path, body)), _Sent).outcome

    def send_event(
        self, name: str, key: str, payload: Any, event_id: str | None
    ) -> Plan[Request, str]:
        body = {"name": name, "key": key, "payload": _raw(payload), "id": event_id}
        return _read((yield _post("events", body)), _Sent).outcome

    def complete(self, token: str, output: Any) -> Plan[Request, str]:
        return (yield from _answer("complete", {"token": token, "output": _raw(output)}))

    def fail(self, token: str, error: OutsideError, retryable: bool) -> Plan[Request, str]:
        body = {"token": token, "error": error, "retryable": retryable}
        return (yield from _answer("fail", body))


_NOTHING: Final[Mapping[str, Any]] = {}


class _Batch(msgspec.Struct):
    instances: list[Item]


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


class _Problem(msgspec.Struct):
    detail: str = ""
    faults: list[Fault] = []


def _read(answer: Answered, as_type: type[T]) -> T:
    """Return an answer as a type. Raises the error that a refusal tells."""
    if answer.status not in range(200, 300):
        raise error_of(answer)
    try:
        return msgspec.json.decode(answer.body, type=as_type)
    except msgspec.MsgspecError as error:
        raise ServerError(
            f"what answered is no Onceflow API of this release: {error}",
            hint="check the address, and upgrade the older of the two",
        ) from error


def error_of(answer: Answered) -> OnceflowError:
    """Return what a refused request raises: the same errors as through SQL."""
    problem = _problem_of(answer)
    match answer.status:
        case 404:
            return NotFound(_told(problem))
        case 409:
            return Refused(_told(problem))
        case 400 | 413 | 415 | 422:
            return BadArgument(_told(problem))
        case status:
            return ServerError(f"the API answered {status}: {_told(problem)}")


def _problem_of(answer: Answered) -> _Problem:
    try:
        return msgspec.json.decode(answer.body, type=_Problem)
    except msgspec.MsgspecError:
        raise ServerError(
            f"the server answered {answer.status}, and not as an Onceflow API does",
            hint="check the address, and the proxies between",
        ) from None


def _told(problem: _Problem) -> str:
    return " ".join([problem.detail, *map(str, problem.faults)])


def _list(path: str, query: Mapping[str, str | int | None], limit: int, cursor: str) -> Request:
    given = {"limit": limit, **query} | ({"cursor": cursor} if cursor else {})
    return Request("GET", path, {k: v for k, v in given.items() if v is not None})


def _post(path: str, content: Any) -> Request:
    return Request("POST", path, {}, to_json(content))


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(to_json(value))


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
    }
    return {name: value for name, value in item.items() if value is not None}


def _start_with(
    signal: Signal, workflow: str, version: int | None, start: Start
) -> Plan[Request, Started | OnceflowError]:
    """Start an instance with a signal; return it, or why there is none."""
    text = written(start)
    if not isinstance(text, msgspec.Raw):
        return text
    sent = {"name": signal.name, "payload": _raw(signal.payload), "key": signal.key}
    body = _item(start, text) | {"version": version, "signal": sent}
    answer: Answered = yield _post(f"workflows/{quote(workflow, '')}/start", body)
    if answer.status == 422 and (faults := _problem_of(answer).faults):
        if any(fault.message.startswith(ANOTHER_INPUT) for fault in faults):
            return Refused(f"nothing was started: {' '.join(map(str, faults))}")
        if not any(fault.place.startswith("/signal") for fault in faults):
            return WrongInput(faults)
    found = _read(answer, Instance)
    return Started(found.id, found.status, "started" if answer.status == 201 else "exists")


def _within(fault: Fault, place: str) -> Fault:
    return Fault(fault.place.removeprefix(place), fault.message)


def _answer(verb: str, body: Mapping[str, Any]) -> Plan[Request, str]:
    answer: Answered = yield _post(f"deferred/{verb}", body)
    return _read(answer, _AnsweredToken).answer


def _decide(instance: UUID, verb: str) -> Plan[Request, str]:
    answer: Answered = yield Request("POST", f"instances/{instance}/{verb}")
    return _read(answer, _Decision).detail


def _decide_letters(
    verb: str, keys: Sequence[Key], given: Sequence[Mapping[str, Any]]
) -> Plan[Request, list[Decided]]:
    named = [
        {"instance": instance, "task": task, **more}
        for (instance, task), more in zip(keys, given, strict=True)
    ]
    decided: list[Decided] = []
    for batch in batches(named, BATCH):
        answer: Answered = yield _post(f"dead-letters/{verb}", {"dead_letters": batch})
        decided += _read(answer, _Decisions).decided
    return in_order(keys, decided)
