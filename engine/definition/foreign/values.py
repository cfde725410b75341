"""Values and expressions of other languages as they would be written here, for what faults show.

As near as a sentence needs: what is not known stays as it was written.
"""

import json
import re
from collections.abc import Mapping
from typing import Final, cast

from ...json_text import Json

MOST = 160
"""Longer values are not shown."""
_HOLE = re.compile(
    r"\$?\{\{(?P<double>[^{}]{1,400})\}\}|\{%(?P<percent>[^{}]{1,400})%\}|\$\{(?P<one>[^{}]{1,400})\}"
)
_NAME: Final = r"([A-Za-z_][\w-]{0,62})"
_PATHS: Final = [
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"""[\w.]{0,40}xcom_pull\(task_ids=['"]""" + _NAME + r"""['"]\)""", r"$.steps.\1.output"),
        (r"\$states\.input\b", "$.input"),
        (r"\$\$\.Map\.Item\.Value\b", "$.item"),
        (r"\$\.(?!(?:input|steps|item|index|round|previous|error|instance)\b)", "$.input."),
        (
            r"(?<![\w.$-])(?:workflow\.input|(?:inputs|workflow)\.parameters|github\.event\.inputs"
            r"|inputs?|params|dag_run\.conf)\.",
            "$.input.",
        ),
        (
            r"(?<![\w.$-])(?:steps|needs|tasks)\." + _NAME + r"\.outputs?"
            r"(?:\.result\b|\.parameters(?=\.))?",
            r"$.steps.\1.output",
        ),
        (r"(?<![\w.$-])matrix\." + _NAME, r"$.\1"),
        (r"(?<![\w.$-])" + _NAME + r"\.output\b", r"$.steps.\1.output"),
        (r"(?<![\w.$-])item\b(?=[^:\w]|$)", "$.item"),
        (r"(?<![\w.$)\]\"'-])\.(?=[A-Za-z_])", "$.input."),
        (r"'([^'\"]*)'", r'"\1"'),
        (r" = ", " == "),
        (r" and ", " && "),
        (r" or ", " || "),
    )
]
_PLAIN = re.compile(r"[A-Za-z_$./][\w$./*-]*")
_LITERALS = ("true", "false", "null", "~")


def condition(text: str) -> str:
    """Return an expression, in brackets of any language or in none, as it would be here."""
    if len(text) > MOST:
        return "…"
    whole = _HOLE.fullmatch(text.strip())
    return _path(_inner(whole) if whole else _HOLE.sub(lambda hole: _path(_inner(hole)), text))


def filled(text: str) -> str:
    """Return a text with expressions in it as it would be here."""
    if len(text) > MOST:
        return "…"
    whole = _HOLE.fullmatch(text.strip())
    if whole or text.startswith(("$.", "$$.")):
        return _path(_inner(whole) if whole else text)
    return _HOLE.sub(lambda hole: f"${{ {_path(_inner(hole))} }}", text)


def _inner(hole: re.Match[str]) -> str:
    return next(group for group in hole.groups() if group is not None).strip()


def _path(text: str) -> str:
    for pattern, instead in _PATHS:
        text = pattern.sub(instead, text)
    return text


def shown(value: Json) -> str:
    """Return a value as YAML on one line; ``…`` where that would be long."""
    text = _flow(value, 0)
    return text if len(text) <= MOST else "{…}" if isinstance(value, dict) else "…"


def _flow(value: Json, depth: int) -> str:
    if depth > 3:
        return "…"
    if isinstance(value, dict):
        members = list(cast(dict[str, Json], value).items())[:20]
        return f"{{{', '.join(f'{_key(k)}: {_flow(v, depth + 1)}' for k, v in members)}}}"
    if isinstance(value, list):
        items = cast(list[Json], value)[:20]
        return f"[{', '.join(_flow(item, depth + 1) for item in items)}]"
    if isinstance(value, str):
        return _text(filled(value))
    return json.dumps(value, default=str)


def _text(text: str) -> str:
    plain = text == "…" or (_PLAIN.fullmatch(text) and text not in _LITERALS)
    return text if plain else json.dumps(text, ensure_ascii=False)


def _key(name: str) -> str:
    # Step Functions marks keys whose values are paths.
    return _text(name.removesuffix(".$"))


def id_of(step: Mapping[str, Json]) -> str | None:
    """Return the name of a step as an id; None where it has none."""
    for key in ("id", "taskReferenceName", "task_id", "activity_id", "name"):
        if isinstance(name := step.get(key), str):
            return as_id(name)
    return None


def as_id(name: str) -> str:
    """Return a name as an id: with hyphens for what an id cannot have."""
    words = re.sub(r"[^A-Za-z0-9_-]+", "-", name[:63]).strip("-")
    return words if words[:1].isalpha() else f"step-{words}".strip("-")


def duration(value: Json, unit: str = "s") -> str | None:
    """Return a time, of a number of units or of their words, as a duration; None for others."""
    if isinstance(value, dict):
        parts = cast(dict[str, Json], value)
        order = {"days": "d", "hours": "h", "minutes": "m", "seconds": "s", "milliseconds": "ms"}
        after = parts.get("after", parts)
        if not isinstance(after, dict):
            return None
        given = cast(dict[str, Json], after)
        return "".join(f"{given[k]}{u}" for k, u in order.items() if k in given)[:30] or None
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return f"{value}{unit}"
    return value if isinstance(value, str) and re.fullmatch(r"\d{1,9}(ms|[smhd])", value) else None
