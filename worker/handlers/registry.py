"""The handlers of this process, by the name under which definitions call them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from .callables import is_async, place, why_not
from .context import Context
from .conversion import Parameters
from .faults import Fault

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when a handler's failed attempts are tried again; a step's own replaces it.

    ``attempts`` counts all tries. The n-th retry waits ``backoff * factor ** (n - 1)`` seconds, at
    most ``max``, give or take the share ``jitter``. ``non_retryable`` are codes of errors, or
    exception types with their subclasses, after which no retry follows.
    """

    attempts: int = 5
    backoff: float = 1.0
    factor: float = 2.0
    max: float = 300.0
    jitter: float = 0.2
    non_retryable: tuple[str | type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        faults = [
            what
            for what, wrong in (
                ("attempts must be at least 1", self.attempts < 1),
                ("backoff must not be negative", self.backoff < 0),
                ("factor must be at least 1", self.factor < 1),
                ("max must not be negative", self.max < 0),
                ("jitter must be from 0 to 1", not 0 <= self.jitter <= 1),
                (
                    "non_retryable must be a tuple of codes and exception types",
                    not _is_policy(self.non_retryable),
                ),
            )
            if wrong
        ]
        if faults:
            raise ValueError(f"a retry policy is refused: {'; '.join(faults)}")

    def document(self) -> dict[str, Any]:
        """Return the policy as the SQL functions take it; times are in seconds."""
        return {
            "attempts": self.attempts,
            "backoff": self.backoff,
            "factor": self.factor,
            "max": self.max,
            "jitter": self.jitter,
            "non_retryable": [c for c in self.non_retryable if isinstance(c, str)],
        }

    def exceptions(self) -> tuple[type[BaseException], ...]:
        """Return the types among ``non_retryable``: only the worker knows what is one of them."""
        return tuple(c for c in self.non_retryable if not isinstance(c, str))


def _is_policy(given: object) -> bool:
    """Return whether it is what ``non_retryable`` takes, and not one code or type alone."""
    return isinstance(given, tuple) and all(
        isinstance(one, str) or (isinstance(one, type) and issubclass(one, BaseException))
        for one in cast("tuple[object, ...]", given)
    )


@dataclass(frozen=True, slots=True)
class Handler:
    """One registered function, with all that is known about it before it runs."""

    name: str
    function: Callable[..., Any]
    parameters: Parameters
    queue: str
    retry: dict[str, Any] | None
    transactional: bool
    is_async: bool
    grouped: bool = True
    """Whether, being transactional, it may share its transaction with others."""
    never_again: tuple[type[BaseException], ...] = ()
    """Exceptions after which its own policy lets no retry follow."""

    def refuses_retry(self, error: BaseException) -> bool:
        """Return whether its own policy names a type that the exception is of; raises nothing."""
        try:
            return issubclass(type(error), self.never_again)
        except BaseException:  # of a metaclass
            return False

    def retry_after(self, fault: Fault) -> dict[str, Any] | None:
        """Return its policy for a failure, which names a failure that is known by its type."""
        if self.retry is None or not fault.never_again:
            return self.retry
        return self.retry | {"non_retryable": [fault.error["code"]]}

    def arguments(
        self, input_json: str, context: Context[Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what the function is called with, by position and by name. Raises InputInvalid."""
        found = self.parameters.fill(input_json)
        if self.parameters.context is not None:
            found[1][self.parameters.context] = context
        return found

    def call(self, input_json: str, context: Context[Any]) -> Any:
        """Call the function with its input; an async one gives a coroutine. Raises InputInvalid."""
        by_position, by_name = self.arguments(input_json, context)
        return self.function(*by_position, **by_name)


class Registry:
    """A set of handlers. Most programs need only the one that ``task`` adds to."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def task(
        self,
        name: str,
        *,
        queue: str = "default",
        retry: Retry | None = None,
        transactional: bool = False,
        grouped: bool = True,
    ) -> Callable[[F], F]:
        """Register the decorated function, async or not, as the handler of the task ``name``.

        ``queue`` is where a worker that runs it listens, ``retry`` the policy for steps that give
        none. A ``transactional`` handler gets ``Context.connection``: what it does there commits
        together with its completion. Quick ones may share one transaction, each in a savepoint;
        without ``grouped`` it always has one of its own. The function itself is returned as it was.

        Raises ValueError for a name that is taken, TypeError for parameters that JSON cannot fill.
        """
        caller = inspect.currentframe()
        names = dict(caller.f_back.f_locals) if caller and caller.f_back else {}

        def register(function: F) -> F:
            self.add(name, function, queue, retry, transactional, names, grouped=grouped)
            return function

        return register

    def add(
        self,
        name: str,
        function: Callable[..., Any],
        queue: str = "default",
        retry: Retry | None = None,
        transactional: bool = False,
        local_names: Mapping[str, Any] | None = None,
        *,
        grouped: bool = True,
    ) -> None:
        """Register ``function``; see ``task``. Its type hints look into ``local_names`` first."""
        if not name or len(name) > 200 or any(c.isspace() or not c.isprintable() for c in name):
            raise ValueError(f"{name!r} is no name for a task: 1 to 200 characters without spaces")
        if not queue:
            raise ValueError(f"the task {name} needs the name of a queue")
        if reason := why_not(function, transactional=transactional):
            raise TypeError(f"the task {place(function)} {reason}")
        known = self._handlers.get(name)
        if known is not None and place(known.function) != place(function):
            raise ValueError(
                f"the task {name} is {place(known.function)} already and cannot be "
                f"{place(function)} too"
            )
        self._handlers[name] = Handler(
            name=name,
            function=function,
            parameters=Parameters(function, local_names or {}),
            queue=queue,
            retry=None if retry is None else retry.document(),
            transactional=transactional,
            is_async=is_async(function),
            grouped=grouped,
            never_again=() if retry is None else retry.exceptions(),
        )

    def find(self, name: str) -> Handler | None:
        """Return the handler of the task ``name``, if there is one."""
        return self._handlers.get(name)

    def names(self) -> list[str]:
        """Return the names of all handlers, sorted."""
        return sorted(self._handlers)

    def retries(self) -> dict[str, Any]:
        """Return the handlers' own retry policies by the names of their tasks."""
        return {name: handler.retry for name, handler in self._handlers.items() if handler.retry}

    def signatures(self) -> dict[str, str]:
        """Return what tells a handler's parameters from those of another release, by its task."""
        return {name: handler.parameters.signature for name, handler in self._handlers.items()}

    def queues(self) -> list[str]:
        """Return the queues of all handlers, sorted."""
        return sorted({handler.queue for handler in self._handlers.values()})


registry = Registry()
"""The handlers that ``task`` registers, and that ``onceflow worker`` runs."""


def task(
    name: str,
    *,
    queue: str = "default",
    retry: Retry | None = None,
    transactional: bool = False,
    grouped: bool = True,
) -> Callable[[F], F]:
    """Register the decorated function in the registry of the process; see ``Registry.task``."""
    caller = inspect.currentframe()
    names = dict(caller.f_back.f_locals) if caller and caller.f_back else {}

    def register(function: F) -> F:
        registry.add(name, function, queue, retry, transactional, names, grouped=grouped)
        return function

    return register
