"""What the clients answer with: the same through SQL and through the API."""

from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, TypeVar, overload
from uuid import UUID

import msgspec

from ..engine.errors import BadArgument
from .conversion import from_json

T = TypeVar("T")

Status: TypeAlias = Literal[
    "RUNNING", "CLOSING", "COMPENSATING", "SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED"
]


NONE: Final = msgspec.Raw()
"""Where lists leave it out; null would be JSON."""


class Deployed(msgspec.Struct, frozen=True):
    """A version of a workflow; ``created`` is False where its content was the latest already."""

    name: str
    version: int
    created: bool


class Started(msgspec.Struct, frozen=True):
    """An instance: started now, or found (``exists``) by its key or id, by which it was before."""

    id: UUID
    status: Status
    outcome: Literal["started", "exists"]


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a workflow. Its input and output are read when asked for, as a type."""

    id: UUID
    key: str | None = None
    workflow: str
    version: int
    status: Status
    closing_as: str | None = None
    suspended_by: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    deadline_at: datetime | None = None
    erased_at: datetime | None = None
    input_json: msgspec.Raw = msgspec.field(name="input", default=NONE)
    output_json: msgspec.Raw = msgspec.field(name="output", default=NONE)
    error: dict[str, Any] | None = None
    labels: dict[str, str] = {}

    @property
    def ended(self) -> bool:
        """Whether it has come to an end, whichever."""
        return self.ended_at is not None

    @overload
    def input(self, as_type: type[T]) -> T: ...
    @overload
    def input(self, as_type: Any = Any) -> Any: ...
    def input(self, as_type: Any = Any) -> Any:
        """Return what it was started with, as a type. Raises Mismatch.

        Lists of instances leave inputs and outputs out: of theirs it raises BadArgument.
        """
        return from_json(_present(self.input_json), as_type, "input")

    @overload
    def output(self, as_type: type[T]) -> T: ...
    @overload
    def output(self, as_type: Any = Any) -> Any: ...
    def output(self, as_type: Any = Any) -> Any:
        """Return its output, as a type; null while there is none. Raises as ``input`` does."""
        return from_json(_present(self.output_json), as_type, "output")


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A task that failed for good and that waits for a person.

    ``path`` says where it lies, as one reads it: ``invoices[17]/render``.
    """

    instance: UUID
    task: str
    path: str
    workflow: str
    version: int
    step: str
    queue: str | None
    attempts: int
    input_json: msgspec.Raw = msgspec.field(name="input")
    error: dict[str, Any] | None
    died_at: datetime
    takes: str | None = None
    """What it is redriven with: input, boolean, array, value or error; None: it cannot be."""

    @overload
    def input(self, as_type: type[T]) -> T: ...
    @overload
    def input(self, as_type: Any = Any) -> Any: ...
    def input(self, as_type: Any = Any) -> Any:
        """Return its input, as a type; null where it never got one. Raises Mismatch."""
        return from_json(self.input_json, as_type, "input")


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """An open form: what is asked of whom, and by when; it is named by its instance and task."""

    instance: UUID
    task: str
    workflow: str
    version: int
    step: str
    title: str
    to: list[str]
    """People and groups, any of whom answers."""
    decisions: list[str]
    """What may be decided."""
    schema: Any
    """The JSON Schema that the answer must fit."""
    claimed_by: str | None
    """Who has taken it: nobody else answers it then."""
    claimed_at: datetime | None
    opened_at: datetime
    due_at: datetime | None
    """When it fails, unanswered."""


class Decided(msgspec.Struct, frozen=True):
    """What a call did with a dead letter or a form.

    ``detail`` says why it was refused, or what follows.
    """

    instance: UUID
    task: str
    outcome: Literal["done", "refused", "unknown"]
    detail: str = ""


class Advice(msgspec.Struct, frozen=True):
    """What to do, as a verb with its arguments: ``resume`` with {instance}, and so on."""

    verb: str
    args: dict[str, Any]


class Because(msgspec.Struct, frozen=True):
    """A reason, in words, why an instance (task None) or one of its tasks is not moving."""

    task: str | None
    because: str
    advice: Advice | None = None


def _present(text: msgspec.Raw) -> msgspec.Raw:
    if text == NONE:
        raise BadArgument("lists of instances leave inputs and outputs out", hint="get() has them")
    return text
