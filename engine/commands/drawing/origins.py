"""How commands show where an error came from: its traceback, its causes, its fingerprint."""

from collections.abc import Iterable
from typing import Any, cast

from ..output import one_line

RELATIONS = {
    "cause": "caused by",
    "context": "while handling",
    "member": "one of the group",
    "more": "and more:",
}


def origin_lines(error: dict[str, Any] | None) -> list[str]:
    """Return the origin of an error line by line. What has not the form of ours is left out."""
    if not error:
        return []
    lines = _frames(error)
    for cause in _items(error.get("cause")):
        if isinstance(cause, dict):
            cause = cast("dict[str, Any]", cause)
            relation = RELATIONS.get(str(cause.get("relation")), "caused by")
            what = f"{cause['type']}: " if cause.get("type") else ""
            lines.append(f"{relation} {what}{one_line(cause.get('message', ''))}")
            lines += _frames(cause)
    if lines and error.get("fingerprint"):
        lines.append(f"fingerprint {error['fingerprint']}")
    return lines


def _frames(error: dict[str, Any]) -> list[str]:
    return [f"  at {one_line(line)}" for line in _items(error.get("traceback"))]


def _items(value: object) -> Iterable[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else ()
