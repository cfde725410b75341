"""How values of Postgres come back from ``sql.execute``: exactly, or as Postgres writes them.

Python has no interval with months, no date beyond the year 9999 and no infinite one, and JSON has
no NaN. What fits is given as ever; what does not is given as its text, so that nothing is lost in
silence.
"""

import re
from typing import Any, cast

import msgspec
import psycopg
from psycopg.abc import Buffer, Loader
from psycopg.adapt import Loader as BaseLoader
from psycopg.types import datetime as times
from psycopg.types import numeric as numbers

_INTERVAL = re.compile(
    r"(?:([-+]?\d+) years?\s*)?(?:([-+]?\d+) mons?\s*)?(?:([-+]?\d+) days?\s*)?"
    r"(?:([-+]?)(\d+):(\d+):(\d+(?:\.\d+)?))?"
)


class JsonLoader(BaseLoader):
    """json and jsonb: the text as it stands, with all digits of its numbers."""

    def load(self, data: Buffer) -> msgspec.Raw:
        """Return the text."""
        return msgspec.Raw(bytes(data))


class IntervalLoader(BaseLoader):
    """interval, in ISO 8601 as Postgres writes it: months are months, not thirty days each."""

    def load(self, data: Buffer) -> str:
        """Return the interval; as it stands where the session has another style of intervals."""
        text = bytes(data).decode()
        found = _INTERVAL.fullmatch(text)
        if not found or not text:
            return text
        years, months, days, sign, hours, minutes, seconds = found.groups()
        date = [(years, "Y"), (months, "M"), (days, "D")]
        time = [(hours, "H"), (minutes, "M"), (seconds, "S")]
        date_text = "".join(f"{int(n)}{unit}" for n, unit in date if n and int(n))
        time_text = "".join(f"{sign}{_plain(n)}{unit}" for n, unit in time if n and _plain(n))
        return (
            f"P{date_text}{'T' * bool(time_text)}{time_text}" if date_text + time_text else "PT0S"
        )


def _plain(number: str) -> str:
    """Return a number without leading or trailing zeros; empty where it is zero."""
    whole, _, part = number.partition(".")
    part = part.rstrip("0")
    whole = whole.lstrip("0") or ("0" if part else "")
    return f"{whole}.{part}" if part else whole


def _or_text(loader: type[Loader]) -> type[Loader]:
    """Return a loader that gives the text of what ``loader`` cannot read."""

    class OrText(BaseLoader):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._exact = loader(oid, context)

        def load(self, data: Buffer) -> Any:
            try:
                return self._exact.load(data)
            except (psycopg.Error, ValueError, NotImplementedError, OverflowError):
                return bytes(data).decode()

    return cast("type[Loader]", OrText)


def _finite(loader: type[Loader]) -> type[Loader]:
    """Return a loader that gives NaN and infinity as text."""

    class Finite(BaseLoader):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._exact = loader(oid, context)

        def load(self, data: Buffer) -> Any:
            text = bytes(data)
            return self._exact.load(data) if text[-1:].isdigit() else text.decode()

    return cast("type[Loader]", Finite)


LOADERS: dict[str, type[Loader]] = {
    "json": JsonLoader,
    "jsonb": JsonLoader,
    "interval": IntervalLoader,
    "date": _or_text(times.DateLoader),
    "time": _or_text(times.TimeLoader),
    "timetz": _or_text(times.TimetzLoader),
    "timestamp": _or_text(times.TimestampLoader),
    "timestamptz": _or_text(times.TimestamptzLoader),
    "numeric": _finite(numbers.NumericLoader),
    "float4": _finite(numbers.FloatLoader),
    "float8": _finite(numbers.FloatLoader),
}


def read_exactly(cursor: psycopg.Cursor[Any]) -> None:
    """Have the results of ``cursor`` read by these loaders."""
    for name, loader in LOADERS.items():
        cursor.adapters.register_loader(name, loader)
