"""The methods that all clients have, for callers who wait; interface_async.py has them awaited."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar, overload
from uuid import UUID

from ..engine.errors import OnceflowError, unwritten
from .errors import Ended, NotEnded
from .model import Because, DeadLetter, Decided, Deployed, Form, Instance, Started, Status
from .operations import (
    PAGE,
    Answer,
    FormKey,
    Labels,
    LetterKey,
    Operations,
    OutsideError,
    Page,
    Plan,
    Signal,
    Start,
    Wanted,
    WantedForms,
    keys_of,
    people_of,
    require_same_number,
    starts_of,
    texts_of,
)

Q = TypeVar("Q")
T = TypeVar("T")
W = TypeVar("W")

PAUSES: Final = (0.02, 0.5)
"""Seconds between two looks at an instance: a tenth of the time waited, within these bounds."""


class SyncInterface(Generic[Q]):
    """What a client can do."""

    _operations: Operations[Q]

    def _ask(self, question: Q, *, apart: bool = False) -> Any:
        """Return the answer; ``apart``: in no transaction of the caller's."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the client's own connections; what the caller gave is his."""
        raise NotImplementedError

    def _run(self, plan: Plan[Q, T], *, apart: bool = False) -> T:
        try:
            question = next(plan)
            while True:
                question = plan.send(self._ask(question, apart=apart))
        except StopIteration as end:
            return end.value
        except (UnicodeEncodeError, UnicodeDecodeError) as error:
            raise unwritten(error) from error

    def _pages(
        self, ask: Callable[[W, int, str], Plan[Q, Page[T]]], wanted: W, limit: int | None
    ) -> Iterator[T]:
        """Go through the items of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None and limit != 0:
            size = PAGE if limit is None else min(limit, PAGE)
            page = self._run(ask(wanted, size, cursor))
            yield from page.items
            cursor, limit = page.next, None if limit is None else limit - len(page.items)

    def deploy(self, definition: str | bytes) -> Deployed:
        """Register a workflow, given as YAML or JSON; the latest version again makes no new one.

        Raises DefinitionError with all faults.
        """
        return self._run(self._operations.deploy(definition))

    def start(
        self,
        workflow: str,
        input: Any = None,  # noqa: A002 - the word of the definition
        *,
        key: str | None = None,
        version: int | None = None,
        id: UUID | None = None,  # noqa: A002
        start_at: datetime | None = None,
        signal: Signal | None = None,
        labels: Labels | None = None,
    ) -> Started:
        """Start an instance, of the latest version unless one is given.

        ``input`` is anything that has a JSON form, a dataclass or a model too; {} unless given.
        The same ``key`` starts one instance of the workflow, however often it is sent; so does the
        same ``id``, a UUID version 7 made within the hour. At ``start_at``, a time with its offset
        from UTC, its first steps come due, else at once. Raises NotFound, WrongInput, and Refused
        where the key or id belongs to an instance with another input, or the workflow is disabled.

        A ``signal`` is sent in the same transaction, also where the instance exists; Refused is
        raised where that takes none any more, BadArgument where it is none: nothing was started.
        ``labels``, by which it is found, go over those that the definition gives.
        """
        (started,) = self._run(
            self._operations.start(
                workflow, version, [Start(input, key, id, start_at, labels)], signal
            )
        )
        if isinstance(started, OnceflowError):
            raise started
        return started

    def start_many(
        self,
        workflow: str,
        inputs: Sequence[Any],
        *,
        keys: Sequence[str | None] | None = None,
        version: int | None = None,
        start_at: datetime | None = None,
        labels: Sequence[Labels | None] | None = None,
    ) -> list[Started | OnceflowError]:
        """Start an instance for each input; the answers are in the order of the inputs.

        In place of an instance stands the error that ``start`` would raise: it keeps no other
        from being started. Through SQL it is one transaction, through the API one for each 1,000.
        """
        return self._run(
            self._operations.start(workflow, version, starts_of(inputs, keys, start_at, labels))
        )

    def get(self, instance: UUID) -> Instance:
        """Return an instance as it stands. Raises NotFound."""
        return self._run(self._operations.get(instance))

    def wait(self, instance: UUID, timeout: float = 60) -> Instance:
        """Return an instance once it has ended.

        Raises NotEnded after ``timeout`` seconds, NotFound, and Refused where the connection has a
        transaction open: what was started in it begins when it is committed.
        """
        began = time.monotonic()
        while True:
            found = self._run(self._operations.get(instance), apart=True)
            waited = time.monotonic() - began
            if found.ended:
                return found
            if waited >= timeout:
                raise NotEnded(found, timeout)
            time.sleep(pause(waited, timeout))

    @overload
    def result(self, instance: UUID, as_type: type[T], timeout: float = 60) -> T: ...
    @overload
    def result(self, instance: UUID, as_type: Any = Any, timeout: float = 60) -> Any: ...
    def result(self, instance: UUID, as_type: Any = Any, timeout: float = 60) -> Any:
        """Wait for an instance and return its output, as a type.

        Raises Ended where it ended otherwise than SUCCEEDED, Mismatch where the output does not fit
        the type, and what ``wait`` raises.
        """
        return output_of(self.wait(instance, timeout), as_type)

    def instances(
        self,
        workflow: str | None = None,
        *,
        status: Status | None = None,
        suspended: bool | None = None,
        key: str | None = None,
        input: Mapping[str, Any] | None = None,  # noqa: A002
        labels: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> Iterator[Instance]:
        """Go through instances, the youngest first, page by page; all unless ``limit`` is given.

        ``input`` are fields and their values, of those that the workflow lists under `search`:
        ``{"order": "O-36"}``; ``labels`` are names and values likewise. Raises NotFound where
        there is no such workflow, BadArgument where no workflow lists such a field.
        """
        wanted = Wanted(workflow, status, suspended, key, texts_of(input), texts_of(labels))
        return self._pages(self._operations.instances, wanted, limit)

    def explain(self, instance: UUID) -> list[Because]:
        """Say why an instance is not moving. Raises NotFound."""
        return self._run(self._operations.explain(instance))

    def cancel(self, instance: UUID) -> str:
        """Cancel an instance: what runs is told to stop, what was done is undone.

        Returns in words what follows. Raises NotFound, and Refused where its state forbids it.
        """
        return self._run(self._operations.cancel(instance))

    def suspend(self, instance: UUID) -> str:
        """Hold an instance: what runs is recorded, nothing new is given out. As ``cancel``."""
        return self._run(self._operations.suspend(instance))

    def resume(self, instance: UUID) -> str:
        """Let a suspended instance go on. As ``cancel``."""
        return self._run(self._operations.resume(instance))

    def set_labels(self, instance: UUID, labels: Labels) -> dict[str, str]:
        """Give an instance labels, by which it is found, beside those it has; None takes one away.

        Returns all that it has. As ``cancel``; raises BadArgument for what is no label.
        """
        return self._run(self._operations.set_labels(instance, labels))

    def erase(self, instance: UUID, by: str | None = None) -> str:
        """Erase the payloads of an instance that has ended, for good. As ``cancel``.

        Inputs, outputs and what errors say are gone, of the instance and of its tasks; ``by`` is
        who wants it: the login unless given.
        """
        return self._run(self._operations.erase(instance, by))

    def dead_letters(
        self, workflow: str | None = None, *, limit: int | None = None
    ) -> Iterator[DeadLetter]:
        """Go through open dead letters, those of the youngest instances first. As ``instances``."""
        return self._pages(self._operations.dead_letters, workflow, limit)

    def redrive(self, *letters: LetterKey, inputs: Sequence[Any] | None = None) -> list[Decided]:
        """Try dead letters again, with a fresh budget of retries.

        ``inputs``, one a letter, take the place of theirs; None leaves one as it was. A step
        without a worker takes what its expression should have given.
        """
        corrected = [None] * len(letters) if inputs is None else inputs
        require_same_number("inputs", corrected, letters)
        return self._run(self._operations.redrive(keys_of(letters), corrected))

    def skip(self, *letters: LetterKey, output: Any = None) -> list[Decided]:
        """Pass over dead letters: what follows goes on with ``output`` in place of theirs."""
        return self._run(self._operations.skip(keys_of(letters), output))

    def discard(self, *letters: LetterKey) -> list[Decided]:
        """Give dead letters up: their instances fail, and are undone where they say so."""
        return self._run(self._operations.discard(keys_of(letters)))

    def signal(
        self, instance: UUID, name: str, payload: Any = None, *, key: str | None = None
    ) -> str:
        """Send a signal to an instance, for its step ``wait_for: name``.

        Where none waits for it yet it is kept. Under the same ``key`` an instance takes one signal,
        however often it is sent. Returns "accepted" or "repeated". Raises NotFound, BadArgument,
        and Refused where the instance has ended or the key came with another signal.
        """
        return self._run(self._operations.signal(instance, name, payload, key))

    def send_event(
        self,
        name: str,
        key: str,
        payload: Any = None,
        *,
        id: str | None = None,  # noqa: A002
    ) -> str:
        """Send an event to whoever waits for its name and key, now or while it is kept.

        Under the same ``id`` it is sent once. Returns "sent" or "repeated". Raises BadArgument, and
        Refused where the id came with another event.
        """
        return self._run(self._operations.send_event(name, key, payload, id))

    def forms(
        self,
        to: str | Sequence[str] | None = None,
        *,
        workflow: str | None = None,
        instance: UUID | None = None,
        task: str | None = None,
        claimed_by: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Form]:
        """Go through open forms, the oldest first, page by page; all unless ``limit`` is given.

        ``to`` are people or groups: the form asks any of them. Raises NotFound where there is no
        such workflow.
        """
        wanted = WantedForms(people_of(to), workflow, instance, task, claimed_by)
        return self._pages(self._operations.forms, wanted, limit)

    def claim_forms(self, *forms: FormKey, by: str) -> list[Decided]:
        """Take forms upon oneself: nobody else answers them then. ``by`` is who does it."""
        return self._run(self._operations.claim_forms(keys_of(forms), by))

    def release_forms(self, *forms: FormKey, by: str) -> list[Decided]:
        """Give back forms that ``by`` has claimed."""
        return self._run(self._operations.release_forms(keys_of(forms), by))

    def reassign_forms(self, *forms: FormKey, by: str, to: str | Sequence[str]) -> list[Decided]:
        """Ask other people or groups, in place of those who were asked; a claim ends."""
        return self._run(self._operations.reassign_forms(keys_of(forms), by, people_of(to) or []))

    def answer_form(
        self,
        form: FormKey,
        decision: str,
        *,
        by: str,
        answer: Any = None,
        key: str | None = None,
    ) -> str:
        """Answer a form: the first answer that fits is the output of its step.

        ``answer`` is anything that has a JSON form and fits the form's schema; {} unless given.
        Under the same ``key`` it is taken once. Returns "accepted" or "repeated". Raises NotFound,
        BadArgument, and Refused where somebody else has answered or claimed it, or it has ended.
        """
        (named,) = keys_of([form])
        given = Answer(decision, by, answer, key)
        return self._run(self._operations.answer_form(named, given))

    def complete(self, token: str, output: Any = None) -> str:
        """Complete a deferred task, whose handler returned ``Later``, by ``Context.token``.

        Returns "accepted", or "repeated" where the attempt was answered before. Raises Refused
        where it is over, by its timeout or the end of its instance.
        """
        return self._run(self._operations.complete(token, output))

    def fail(
        self,
        token: str,
        code: str,
        message: str = "",
        *,
        retryable: bool = True,
        unknown: bool = False,
    ) -> str:
        """Fail a deferred task: it is tried again, with another token, while its policy allows.

        ``unknown``: the effect may have happened all the same. As ``complete``.
        """
        error = OutsideError(code, message, unknown)
        return self._run(self._operations.fail(token, error, retryable))


def pause(waited: float, timeout: float) -> float:
    """Return how long to rest before the next look, after so many seconds of ``timeout``."""
    shortest, longest = PAUSES
    return min(max(waited / 10, shortest), longest, timeout - waited)


def output_of(instance: Instance, as_type: Any) -> Any:
    """Return the output of an instance that has ended. Raises Ended unless it succeeded."""
    if instance.status != "SUCCEEDED":
        raise Ended(instance)
    return instance.output(as_type)
