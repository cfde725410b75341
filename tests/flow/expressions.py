"""The few expressions that definitions of these tests hold, as Postgres would evaluate them.

A text that begins with ``$.`` is a path, or a path compared with a JSON value by one operator.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

Json = Any

COMPARISON = re.compile(r"^(\$\S*) (==|!=|<=|>=|<|>) (.+)$")
PART = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]")


class ExpressionFailed(Exception):
    """A path finds nothing, or a condition cannot be decided."""


def evaluate(tree: Json, context: Mapping[str, Json]) -> Json:
    """Return the value of a tree of values and expressions."""
    if isinstance(tree, str) and tree.startswith("$."):
        compared = COMPARISON.match(tree)
        if compared is None:
            return _find(tree, context)
        path, operator, literal = compared.groups()
        return _compare(_find(path, context), operator, json.loads(literal))
    if isinstance(tree, dict):
        members = cast("dict[str, Json]", tree)
        return {name: evaluate(member, context) for name, member in members.items()}
    if isinstance(tree, list):
        return [evaluate(item, context) for item in cast("list[Json]", tree)]
    return tree


def _find(path: str, context: Mapping[str, Json]) -> Json:
    found: Json = context
    at = 1
    while at < len(path):
        part = PART.match(path, at)
        assert part is not None, f"not a path of these tests: {path}"
        name, index = part.groups()
        try:
            found = found[name] if name is not None else found[int(index)]
        except (KeyError, IndexError, TypeError):
            raise ExpressionFailed(f"{path} finds nothing") from None
        at = part.end()
    return found


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _compare(left: Json, operator: str, right: Json) -> bool:
    if left is None or right is None:
        # SQL/JSON: null equals null alone, and is neither above nor below anything.
        same = left is None and right is None
        return {"==": same, "<=": same, ">=": same, "!=": not same}.get(operator, False)
    if _kind(left) != _kind(right) or isinstance(left, list | dict):
        raise ExpressionFailed("two values of different kinds are compared")
    match operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right
