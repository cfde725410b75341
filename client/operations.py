"""What a client can ask, apart from how.

An operation is a plan: a generator that gives one question after another (``Q``: a statement of
SQL, or a request of HTTP), is sent the answer to each, and returns what the caller gets. So SQL and
HTTP have each operation once, whether those who call wait for answers or await them.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from ..engine.errors import (
    BadArgument,
    Fault,
    NotFound,
    OnceflowError,
    Refused,
    broken_character,
)
from ..engine.payloads import unkept
from .conversion import Unwritten, to_json
from .errors import WrongInput
from .model import Because, DeadLetter, Decided, Deployed, Form, Instance, Started, Status

Q = TypeVar("Q")
Q_co = TypeVar("Q_co", covariant=True)
A = TypeVar("A")
T = TypeVar("T")

Plan: TypeAlias = Generator[Q, Any, A]

LetterKey: TypeAlias = DeadLetter | tuple[UUID, str]
"""A dead letter, or what names one: its instance and its task."""

FormKey: TypeAlias = Form | tuple[UUID, str]
"""A form, or what names one: its instance and its task."""

Key: TypeAlias = tuple[UUID, str]

Labels: TypeAlias = Mapping[str, str | int | float | bool | Decimal | None]
"""Labels of an instance, by their names; None takes one away."""

PAGE: Final = 200
"""Items of a page at most, as the API has it."""
VERSIONS: Final = range(1, 2**31)
KEY_LENGTHS: Final = range(1, 256)


class Start(msgspec.Struct, frozen=True):
    """One instance to start."""

    input: Any = None
    key: str | None = None
    id: UUID | None = None
    start_at: datetime | None = None
    labels: Labels | None = None


class Signal(msgspec.Struct, frozen=True):
    """A signal to an instance that is started, or found, with it.

    Under the same ``key`` an instance takes one signal, however often it is sent.
    """

    name: str
    payload: Any = None
    key: str | None = None


class Wanted(msgspec.Struct, frozen=True):
    """Which instances; a page is asked for after the one whose ``next`` is ``cursor``."""

    workflow: str | None = None
    status: Status | None = None
    suspended: bool | None = None
    key: str | None = None
    fields: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Items, the youngest first, and by what the next page is asked for; None: there is none."""

    items: list[T]
    next: str | None


class WantedForms(msgspec.Struct, frozen=True):
    """Which open forms: those of which all holds that is given; ``to`` any of them."""

    to: Sequence[str] | None = None
    workflow: str | None = None
    instance: UUID | None = None
    task: str | None = None
    claimed_by: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What somebody decides about a form."""

    decision: str
    by: str
    answer: Any = None
    key: str | None = None

    def written(self) -> msgspec.Raw:
        """Return the answer as JSON; {} unless given. Raises BadArgument."""
        return msgspec.Raw(to_json({} if self.answer is None else self.answer))


class OutsideError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a task that was deferred has failed."""

    code: str
    message: str
    unknown: bool = False


class Operations(Protocol[Q_co]):
    """Every operation, for one way of asking."""

    def deploy(self, definition: str | bytes) -> Plan[Q_co, Deployed]: ...
    def start(
        self,
        workflow: str,
        version: int | None,
        starts: Sequence[Start],
        signal: Signal | None = None,
    ) -> Plan[Q_co, list[Started | OnceflowError]]: ...
    def get(self, instance: UUID) -> Plan[Q_co, Instance]: ...
    def instances(self, wanted: Wanted, limit: int, cursor: str) -> Plan[Q_co, Page[Instance]]: ...
    def explain(self, instance: UUID) -> Plan[Q_co, list[Because]]: ...
    def cancel(self, instance: UUID) -> Plan[Q_co, str]: ...
    def suspend(self, instance: UUID) -> Plan[Q_co, str]: ...
    def resume(self, instance: UUID) -> Plan[Q_co, str]: ...
    def set_labels(self, instance: UUID, labels: Labels) -> Plan[Q_co, dict[str, str]]: ...
    def erase(self, instance: UUID, by: str | None) -> Plan[Q_co, str]: ...
    def dead_letters(
        self, workflow: str | None, limit: int, cursor: str
    ) -> Plan[Q_co, Page[DeadLetter]]: ...
    def redrive(self, keys: Sequence[Key], inputs: Sequence[Any]) -> Plan[Q_co, list[Decided]]: ...
    def skip(self, keys: Sequence[Key], output: Any) -> Plan[Q_co, list[Decided]]: ...
    def discard(self, keys: Sequence[Key]) -> Plan[Q_co, list[Decided]]: ...
    def signal(
        self, instance: UUID, name: str, payload: Any, key: str | None
    ) -> Plan[Q_co, str]: ...
    def send_event(
        self, name: str, key: str, payload: Any, event_id: str | None
    ) -> Plan[Q_co, str]: ...
    def forms(self, wanted: WantedForms, limit: int, cursor: str) -> Plan[Q_co, Page[Form]]: ...
    def claim_forms(self, keys: Sequence[Key], by: str) -> Plan[Q_co, list[Decided]]: ...
    def release_forms(self, keys: Sequence[Key], by: str) -> Plan[Q_co, list[Decided]]: ...
    def reassign_forms(
        self, keys: Sequence[Key], by: str, to: Sequence[str]
    ) -> Plan[Q_co, list[Decided]]: ...
    def answer_form(self, form: Key, answer: Answer) -> Plan[Q_co, str]: ...
    def complete(self, token: str, output: Any) -> Plan[Q_co, str]: ...
    def fail(self, token: str, error: OutsideError, retryable: bool) -> Plan[Q_co, str]: ...


def too_late() -> Refused:
    """Return the error for a token whose attempt is over."""
    return Refused(
        "the attempt of this token is over: it timed out, or its instance has ended; "
        "nothing was changed"
    )


def starts_of(
    inputs: Sequence[Any],
    keys: Sequence[str | None] | None,
    start_at: datetime | None,
    labels: Sequence[Labels | None] | None,
) -> list[Start]:
    """Return what to start.

    Raises BadArgument unless there is a key, and an object of labels, or None, for each input.
    """
    none = [None] * len(inputs)
    keys, labels = none if keys is None else keys, none if labels is None else labels
    require_same_number("keys", keys, inputs)
    require_same_number("labels", labels, inputs)
    return [
        Start(given, key, start_at=start_at, labels=own)
        for given, key, own in zip(inputs, keys, labels, strict=True)
    ]


def written(start: Start) -> msgspec.Raw | WrongInput:
    """Return the input of an instance as JSON, or what of it, or of the key, can start none.

    So one of many that is wrong keeps none of the others from being sent.
    """
    text, faults = _written({} if start.input is None else start.input, "/input")
    faults += _key_faults(start.key)
    if start.labels is not None:
        faults += _written(start.labels, "/labels")[1]
    return WrongInput(faults) if faults else msgspec.Raw(text)


def _written(value: Any, place: str) -> tuple[bytes, list[Fault]]:
    """Return a value as JSON, and what of it cannot be sent."""
    try:
        text = to_json(value)
    except Unwritten as error:
        return b"", [Fault(f"{place}{error.fault.place}", error.fault.message)]
    return text, [Fault(f"{place}{within}", message) for within, message in unkept(text)]


def _key_faults(key: str | None) -> list[Fault]:
    if key is None:
        return []
    try:
        key.encode()
    except UnicodeEncodeError as error:
        return [Fault("/key", f"the idempotency key holds {broken_character(error)}")]
    if "\0" in key:
        return [Fault("/key", "the idempotency key has a NUL character")]
    if len(key) in KEY_LENGTHS:
        return []
    told = f"the idempotency key has {len(key)} characters, and 1 to 255 are allowed"
    return [Fault("/key", told)]


def require_version(workflow: str, version: int | None) -> None:
    """Raise NotFound for a number that no version can have."""
    if version is not None and version not in VERSIONS:
        raise NotFound(f"there is no version {version} of {workflow}")


def require_same_number(what: str, given: Sequence[Any], beside: Sequence[Any]) -> None:
    """Raise BadArgument unless there are as many."""
    if len(given) != len(beside):
        raise BadArgument(
            f"there are {len(given)} {what} for {len(beside)}", hint="give one, or None, for each"
        )


def conflict(start: Start, instance: UUID | None) -> Refused:
    """Return the error for a key or id that came with another input before."""
    what = f"the key {start.key!r}" if start.key is not None else f"the id {start.id}"
    return Refused(
        f"{what} belongs to instance {instance}, which has another input; nothing was started",
        hint="use another one for another input",
    )


def disabled(message: str) -> Refused:
    """Return the error for a workflow of which none may start."""
    return Refused(
        message or "the workflow is disabled for new starts", hint="an operator enables it"
    )


def keys_of(named: Sequence[LetterKey | FormKey]) -> list[Key]:
    """Return what names these dead letters or forms."""
    return [each if isinstance(each, tuple) else (each.instance, each.task) for each in named]


def people_of(to: str | Sequence[str] | None) -> Sequence[str] | None:
    """Return the people or groups, of whom one may be given as a text."""
    return [to] if isinstance(to, str) else to


def answered(form: Key, outcome: str, detail: str, faults: Sequence[Fault]) -> str:
    """Return what became of an answer to a form. Raises what tells that it was not taken."""
    match outcome:
        case "accepted" | "repeated":
            return outcome
        case "unknown":
            raise NotFound(f"there is no form {form[0]}/{form[1]}")
        case "invalid":
            told = "; ".join(map(str, faults)) or detail
            raise BadArgument(f"the answer is not taken: {told}")
        case _:
            raise Refused(f"refused: {detail}")


def in_order(keys: Sequence[Key], decided: Sequence[Decided]) -> list[Decided]:
    """Return what was decided in the order of the keys."""
    by_key = {(each.instance, each.task): each for each in decided}
    return [
        by_key.get(key) or Decided(*key, "unknown", "there is no such dead letter") for key in keys
    ]


def texts_of(fields: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the values of fields as the texts that are looked for. Raises BadArgument."""
    return {
        name: value if isinstance(value, str) else to_json(value).decode()
        for name, value in (fields or {}).items()
    }


def batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Return the items in lists of at most ``size``."""
    rest = iter(items)
    while batch := [*islice(rest, size)]:
        yield batch
