"""What a running task may know and do: the object that a handler gets as its ``Context``."""

import logging
import threading
from collections.abc import Mapping, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeAlias
from uuid import UUID, uuid4

import msgspec
import psycopg

from ...engine import json_text
from ...engine.calls import Event, Grant, token_of
from ...engine.ids import make_ids
from ...engine.payloads import payload_fault
from ...engine.redact import SecretMask
from ...engine.tracing import current_trace
from .errors import Cancelled, PermanentError

if TYPE_CHECKING:  # a type variable with a default, which Python's own has from 3.13 on
    from typing_extensions import TypeVar

    C = TypeVar("C", default=psycopg.Connection[Any])
else:
    from typing import TypeVar

    C = TypeVar("C")

logger = logging.getLogger("onceflow.task")

PROGRESS_LIMIT = 16 * 1024
"""Bytes of a progress as JSON: all of a worker's go with each renewal of its lease."""


class Context(Generic[C]):
    """The task that runs: who it is, and how it talks to the engine.

    ``instance_id``, ``task``, ``workflow`` and ``version`` say where it belongs, ``attempt`` counts
    from 1, ``compensation`` is true for one that undoes a step. ``key`` is the idempotency key: the
    same in every attempt, so send it along with every effect outside of Postgres. ``logger`` names
    the task in each line.

    In an async handler that is transactional write ``AsyncContext``: its ``connection`` is a
    psycopg.AsyncConnection.
    """

    def __init__(self, grant: Grant) -> None:
        self.instance_id: UUID = grant.instance_id
        self.task: str = grant.task
        self.workflow: str = grant.workflow
        self.version: int = grant.version
        self.attempt: int = grant.attempt
        self.key: str = grant.key
        self.compensation: bool = grant.compensation
        self._fence = grant.fence
        self._stop: threading.Event | None = None  # made when somebody waits for it
        self._stopped = False
        self._stop_reason = ""
        self._progress: msgspec.Raw | None = None
        self._lock = threading.Lock()
        self._connection: C | None = None
        self._events: list[Event] = []
        self.mask: SecretMask | None = None  # of the secrets that the handler was given

    @classmethod
    def for_test(
        cls,
        connection: C | None = None,
        *,
        attempt: int = 1,
        task: str = "task",
        workflow: str = "workflow",
        version: int = 1,
        compensation: bool = False,
        instance_id: UUID | None = None,
    ) -> "Context[C]":
        """Return a context for a unit test, which calls the handler as the function that it is.

        With a ``connection``, the test's own, it is that of a transactional handler: the test
        begins the transaction, and rolls it back. What was published is in ``take_events()``, what
        was reported in ``last_progress``; ``tell_to_stop("…")`` is how a task is cancelled.
        """
        instance = instance_id or make_ids(1)[0]
        made = cls(
            Grant(
                instance_id=instance,
                task=task,
                fence=uuid4(),
                handler=task,
                queue="default",
                input_json="{}",
                attempt=attempt,
                timeout=None,
                key=f"{instance}/{task}",
                workflow=workflow,
                version=version,
                compensation=compensation,
            )
        )
        if connection is not None:
            made.enter_transaction(connection)
        return made

    @cached_property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger that names the task in each line."""
        return _TaskLogger(logger, {"task": f"{self.key}#{self.attempt}"})

    @property
    def token(self) -> str:
        """What answers this attempt from outside, once, after the handler has returned ``Later``.

        Whoever has it can complete the task: give it to nobody else.
        """
        return token_of(self.instance_id, self.task, self._fence)

    def progress(self, value: Any) -> None:
        """Report how far the task is, as any JSON value.

        It is sent with the worker's next renewal, the last value alone, and shown to operators. It
        costs no transaction and may be lost; one that is too large (16 KiB) is. Raises TypeError
        for what has no JSON form.
        """
        text = json_text.encode(value).encode()
        if self.mask is not None:
            text = self.mask.json(text)
        if found := payload_fault(text, PROGRESS_LIMIT):
            self.logger.warning("a progress was left out: %s %s", found[0] or "it", found[1])
        else:
            self._progress = msgspec.Raw(text)

    @property
    def cancelled(self) -> bool:
        """Whether the task was told to stop: its instance ends, its time or its lease is over."""
        return self._stopped

    def raise_if_cancelled(self) -> None:
        """Raise Cancelled if the task was told to stop; call it in a long handler's loop."""
        if self._stopped:
            raise Cancelled(f"the task was told to stop: {self._stop_reason}")

    def wait_cancelled(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds, less if the task is told to stop; return whether it was.

        For sync handlers, in place of time.sleep. An async handler is cancelled by asyncio.
        """
        return self.stop_event.wait(timeout)

    @property
    def connection(self) -> C:
        """The connection whose transaction completes this task, for transactional handlers alone.

        What is done on it commits together with the task's output, or not at all. Never commit or
        roll it back; a part that may fail goes into ``with connection.transaction():``. Raises
        RuntimeError in a handler that is not transactional.
        """
        if self._connection is None:
            raise RuntimeError(
                "only a handler registered with @task(…, transactional=True) has a connection"
            )
        return self._connection

    def publish(
        self,
        topic: str,
        value: Any,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Send ``value`` as JSON to a Kafka topic, if and only if this task completes.

        It goes through the outbox, in the task's transaction, and is delivered at least once,
        always with the event id that is returned: the same in every attempt that publishes in the
        same order. Raises RuntimeError in a handler that is not transactional.
        """
        if self._connection is None:
            raise RuntimeError(
                "only a handler registered with @task(…, transactional=True) can publish"
            )
        with self._lock:
            event_id = f"{self.key}/{len(self._events) + 1}"
            text = json_text.encode(value)
            if found := payload_fault(text.encode()):
                message = f"the event for {topic!r} cannot be sent: {found[0] or 'it'} {found[1]}"
                raise PermanentError(message, code="event.too_large")
            sent = {**(current_trace() or {}), **(headers or {})}
            self._events.append(Event(topic, key, text, sent, event_id))
        return event_id

    # The worker's side.

    @property
    def stop_event(self) -> threading.Event:
        """The event behind ``cancelled``."""
        with self._lock:
            if self._stop is None:
                self._stop = threading.Event()
                if self._stopped:
                    self._stop.set()
            return self._stop

    def tell_to_stop(self, reason: str) -> None:
        """Set ``cancelled``, for the reason given in words."""
        with self._lock:
            self._stop_reason = self._stop_reason or reason
            self._stopped = True
            if self._stop is not None:
                self._stop.set()

    @property
    def stop_reason(self) -> str:
        """Why it was told to stop, in words; empty where it was not."""
        return self._stop_reason

    @property
    def last_progress(self) -> msgspec.Raw | None:
        """What was reported last, if anything was."""
        return self._progress

    def enter_transaction(self, connection: C) -> None:
        """Give the handler its connection."""
        self._connection = connection

    def take_events(self) -> list[Event]:
        """Return what the handler published, for the outbox."""
        with self._lock:
            events, self._events = self._events, []
        return events


AsyncContext: TypeAlias = Context[psycopg.AsyncConnection[Any]]
"""The context of an async handler that uses its transaction."""


class _TaskLogger(logging.LoggerAdapter[logging.Logger]):
    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        return f"{self.extra['task'] if self.extra else ''}: {msg}", kwargs
