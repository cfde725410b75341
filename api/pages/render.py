"""Templates, and how values look on a page."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from ...engine import json_text
from ...engine.accounts.roles import Role
from ...engine.advice import command_of
from ...engine.json_text import Json
from .. import root
from ..accounts.visitor import current
from ..schemas.instances import Advice
from .offers import Forms
from .origin import origin

TEMPLATES: Final = Path(__file__).parent.parent / "templates"

BRIEF: Final = 100
"""Letters of what stands beside other things on a line."""
MOST: Final = 50_000
"""Letters of a JSON text on a page: nobody reads more there, and every browser would have to."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Forms],
    )
    filters: list[Callable[..., Any]] = [
        ago,
        at,
        iso,
        pretty,
        as_json,
        brief,
        span,
        count,
        message,
        origin,
        command,
    ]
    for shown in filters:
        environment.filters[shown.__name__] = shown
    cast("dict[str, Any]", environment.globals).update(root=root.current, visitor=current, may=may)
    return environment


def render(template: str, values: Mapping[str, Any], status: int = 200) -> Response:
    """Return a page."""
    page = _environment().get_template(template)
    return HTMLResponse(page.render(now=datetime.now(UTC), **values), status)


def may(role: str) -> bool:
    """Whether the visitor of the page may do what takes a role."""
    return current().may(Role[role.upper()])


def span(seconds: float) -> str:
    """Return a length of time in two units at most: ``1 h 05 min``, ``12 s``, ``340 ms``."""
    if seconds < 1:
        return f"{max(round(seconds * 1000), 0)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{int(seconds)} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest:02} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h" + (f" {minutes:02} min" if minutes else "")
    days, hours = divmod(hours, 24)
    return f"{days} d" + (f" {hours} h" if hours else "")


def ago(time: datetime | None, now: datetime) -> str:
    """Return how long ago a time was, or how far away it is."""
    if time is None:
        return "–"
    seconds = (now - time).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def at(time: datetime | None) -> str:
    """Return a time as a person reads it, in UTC, to the second."""
    return "–" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(time: datetime) -> str:
    """Return a time for machines."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def pretty(json: msgspec.Raw) -> str:
    """Return JSON text on several lines, of a long one the begin; numbers keep their digits."""
    text = msgspec.json.format(bytes(json), indent=2).decode()
    if len(text) <= MOST:
        return text
    return f"{text[:MOST]}\n… and {len(text) - MOST:,} letters more, which the API has"


def as_json(value: Json) -> str:
    """Return a value as JSON text on several lines."""
    return pretty(msgspec.Raw(json_text.encode(value).encode()))


def brief(json: msgspec.Raw) -> str:
    """Return the begin of JSON text, on one line."""
    text = bytes(json).decode()
    return text if len(text) <= BRIEF else text[: BRIEF - 1] + "…"


def count(number: int, limit: int = 0) -> str:
    """Return a count with separators; one that was cut off at ``limit`` says so."""
    return f"{number:,}" + ("+" if limit and number >= limit else "")


def message(error: msgspec.Raw | None) -> str:
    """Return an error, which is an object with code and message, as one line."""
    if error is None:
        return ""
    try:
        told = msgspec.json.decode(error, type=dict[str, Any])
    except msgspec.DecodeError:
        return bytes(error).decode()
    code, text = told.get("code"), told.get("message")
    if text is None:
        return bytes(error).decode()
    return f"{code}: {text}" if code else str(text)


def command(advice: Advice) -> str:
    """Return what is advised as one types it at a command line; empty where that takes more."""
    return command_of({"verb": advice.verb, "args": advice.args}) or ""
