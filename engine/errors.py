"""The exceptions of Onceflow, and the one place where those of SQL become them.

SQL raises with SQLSTATE class WF; ``translated()`` turns each into the class below, and so a text
that nobody can write. Everything else that psycopg raises (a lost connection, a timeout, a
deadlock) passes as it is.
"""

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    import psycopg


class OnceflowError(Exception):
    """Something that a person or a caller can mend: says what was wrong, where, and what to do.

    ``detail`` and ``hint`` are those of the SQL error, or empty.
    """

    sqlstate = ""

    def __init__(self, message: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class SettingsError(OnceflowError):
    """A setting is missing or wrong; the message names its variable and the mend."""


class SessionNeeded(SettingsError):
    """A process that needs a session of Postgres to itself is connected to a pooler."""


class ServerError(OnceflowError):
    """A server that we need, or were to start, is not there."""


class MigrationError(OnceflowError):
    """The schema could not be brought to the state of this release."""


class NotFound(OnceflowError):
    """The workflow, instance, task or worker that was named does not exist."""

    sqlstate = "WF001"


class BadArgument(OnceflowError):
    """An argument has a wrong form or value."""

    sqlstate = "WF002"


class WorkerNotLive(OnceflowError):
    """The worker is unknown, stopped or declared dead: it must register afresh."""

    sqlstate = "WF003"


class WrongIsolation(OnceflowError):
    """The transaction is not READ COMMITTED."""

    sqlstate = "WF004"


class Refused(OnceflowError):
    """The state of the thing does not allow it."""

    sqlstate = "WF005"


class ExpressionFailed(OnceflowError):
    """An expression of a definition found nothing or failed on this data."""

    sqlstate = "WF006"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a document: ``place`` says where (a path such as ``steps[2].needs``).

    Where the document was a text, ``position`` is line and column in it, both from 1, which its
    place tells too, and ``pointer`` is the path alone.
    """

    place: str
    message: str
    position: tuple[int, int] | None = field(default=None, compare=False)
    pointer: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message

    def at(self, file: str) -> str:
        """Return the fault of a file, as ``file:line:column`` where its position is known."""
        if self.position is None:
            return f"{file}: {self}" if file else str(self)
        where = ":".join(filter(None, (file, *map(str, self.position))))
        return f"{where}: " + ": ".join(filter(None, (self.pointer, self.message)))


class DefinitionError(OnceflowError):
    """A definition that cannot work; ``faults`` lists everything that is wrong with it."""

    sqlstate = "WF007"

    def __init__(
        self, message: str, faults: list[Fault] | None = None, *, detail: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, detail=detail, hint=hint)
        self.faults = faults if faults is not None else [Fault("", message)]


class SchemaTooNew(OnceflowError):
    """The schema in the database is of a newer release than this code."""

    sqlstate = "WF009"


BY_SQLSTATE: dict[str, type[OnceflowError]] = {
    error.sqlstate: error
    for error in (
        NotFound,
        BadArgument,
        WorkerNotLive,
        WrongIsolation,
        Refused,
        ExpressionFailed,
        DefinitionError,
        SchemaTooNew,
    )
}


def translate(error: "psycopg.Error") -> OnceflowError | None:
    """Return our exception for an error raised by our SQL, or None for any other."""
    kind = BY_SQLSTATE.get(error.sqlstate or "")
    if kind is None:
        return None
    message = error.diag.message_primary or str(error)
    detail, hint = error.diag.message_detail or "", error.diag.message_hint or ""
    if issubclass(kind, DefinitionError):
        return kind(message, _faults(detail, message), detail=detail, hint=hint)
    return kind(message, detail=detail, hint=hint)


def _faults(detail: str, message: str) -> list[Fault]:
    """Read the faults that SQL put into its DETAIL as a JSON array of {place, message}."""
    try:
        found = json.loads(detail)
    except ValueError:
        return [Fault("", message)]
    if not isinstance(found, list):
        return [Fault("", message)]
    faults: list[Fault] = []
    for item in cast(list[Any], found):
        if isinstance(item, dict):
            fault = cast(dict[str, Any], item)
            faults.append(Fault(str(fault.get("place", "")), str(fault.get("message", ""))))
    return faults or [Fault("", message)]


def unwritten(error: UnicodeEncodeError | UnicodeDecodeError) -> BadArgument:
    """Return the error for a text that UTF-8 cannot write, or bytes that are none."""
    begin, end = max(error.start - 20, 0), error.end + 20
    return BadArgument(
        f"the text {error.object[begin:end]!a} cannot be kept: it holds {broken_character(error)}",
        hint="give whole characters, in UTF-8",
    )


def broken_character(error: UnicodeEncodeError | UnicodeDecodeError) -> str:
    """Say what a text holds that is no character."""
    if not isinstance(error, UnicodeEncodeError):
        return "bytes that are no UTF-8"
    # What the arguments of a command hold as a byte that is no text, Python writes so.
    byte = 0xDC80 <= ord(error.object[error.start]) <= 0xDCFF
    return "a byte that is no UTF-8" if byte else "half of a surrogate pair"


class _Translating:
    """What ``translated`` gives; without a state, and no generator, since each call begins it."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        import psycopg  # what needs no database does not wait for it

        if isinstance(error, UnicodeEncodeError):  # psycopg could not write a parameter
            raise unwritten(error) from error
        if isinstance(error, psycopg.Error) and (ours := translate(error)) is not None:
            raise ours from error


_TRANSLATING: Final = _Translating()


def translated() -> AbstractContextManager[None]:
    """Raise the errors of our SQL functions as the exceptions of this module."""
    return _TRANSLATING
