"""The formats of JSON Schema that are checked in inputs; any other ``format`` is only a remark."""

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .patterns import PatternError, compiled

if TYPE_CHECKING:  # it takes a while, and not every definition has a schema
    from jsonschema import FormatChecker

_DATE = r"\d{4}-\d\d-\d\d"
_HOUR = r"([01]\d|2[0-3]):[0-5]\d"
_TIME = rf"{_HOUR}:[0-5]\d(\.\d+)?([Zz]|[+-]{_HOUR})"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _matches(pattern: str, text: str) -> None:
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(pattern)


def _date(text: str) -> None:
    _matches(_DATE, text)
    date.fromisoformat(text)


def _date_time(text: str) -> None:
    _matches(f"{_DATE}[Tt]{_TIME}", text)
    date.fromisoformat(text[:10])


def is_date_time(text: str) -> bool:
    """Tell whether a text is a time with its offset from UTC, as RFC 3339 has it."""
    try:
        _date_time(text)
    except ValueError:
        return False
    return True


def _time(text: str) -> None:
    _date_time(f"2000-01-01T{text}")


def _duration(text: str) -> None:
    _matches(r"P(?=.)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?)", text)


def _email(text: str) -> None:
    if len(text) > 320 or not re.fullmatch(r"[^@\s\x00-\x20]+@[^@\s\x00-\x20]+", text):
        raise ValueError


def _hostname(text: str) -> None:
    _matches(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", text)


def _uri(text: str) -> None:
    _uri_reference(text)
    if not urlsplit(text).scheme:
        raise ValueError


def _uri_reference(text: str) -> None:
    if re.search(r"[\s\x00-\x20<>\"{}|\\^`]", text):
        raise ValueError
    urlsplit(text)


def _uuid(text: str) -> None:
    _matches(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text)


def _regex(text: str) -> None:
    try:
        compiled(text)
    except PatternError as error:
        raise ValueError(error.message) from None


CHECKS: dict[str, Callable[[str], object]] = {
    "date": _date,
    "date-time": _date_time,
    "duration": _duration,
    "email": _email,
    "hostname": _hostname,
    "idn-email": _email,
    "ipv4": IPv4Address,
    "ipv6": IPv6Address,
    "regex": _regex,
    "time": _time,
    "uri": _uri,
    "uri-reference": _uri_reference,
    "uuid": _uuid,
}


def _checker(check: Callable[[str], object]) -> Callable[[object], bool]:
    def conforms(value: object) -> bool:
        if isinstance(value, str):
            check(value)
        return True

    return conforms


IN_SQL = frozenset({"date", "date-time", "time", "uuid"})
"""Those that onceflow.has_format (SQL) checks as well."""


@cache
def format_checker() -> "FormatChecker":
    """Return what checks strings by the formats above; what is no string has every format."""
    from jsonschema import FormatChecker

    formats = FormatChecker(formats=())
    for name, check in CHECKS.items():
        formats.checks(name, raises=ValueError)(_checker(check))
    return formats
