"""A small request takes little time and memory, whatever its functions are asked for."""

import time

import pytest

from onceflow.engine.errors import ExpressionFailed
from onceflow.engine.json_text import Json

from ..conftest import Evaluate

MIB = 1024 * 1024
LONG = "a" * MIB
ITEMS = [{"id": n, "name": f"item {n}"} for n in range(10_000)]
SECONDS = 5
"""Far more than it takes, on a slow machine with other work; without its bound it takes minutes."""

BOUNDED: dict[str, tuple[str, Json, str]] = {
    "range": ("${ range(1000000000) }", None, "more than 100000 items"),
    "range-step": ("${ range(0, 1e15, 3) }", None, "more than 100000 items"),
    "range-many": ("${ range(100001) }", None, "more than 100000 items"),
    "range-digits": ("${ range($.input, 1) }", 10**300, "at most 15 digits"),
    "split": ('$.input | split("a")', LONG, "more than 100000 items"),
    "replace": ('$.input | replace("a", "aa")', LONG, "more than 1048576 bytes"),
    "replace-effort": (
        "$.input | replace($.input, $.input)",
        LONG,
        "too long to look for so long a text",
    ),
    "contains": (
        '$.input | contains(concat("b", slice($.input, 1, 100000)))',
        LONG,
        "too long to look for",
    ),
    "concat": ("$.input | concat($.input)", LONG, "1048576"),
    "concat-arrays": (
        "$.input | concat($.input" + ", $.input" * 8 + ")",
        [1] * 300_000,
        "more than 4194304 bytes",
    ),
    "base64": ("$.input | base64", LONG, "more than 1048576 bytes"),
    "json-digits": (
        "${ range(10000) | each(1e99 * 1e99 * 1e99 * 1e99 * 1e99) | json }",
        None,
        "1048576",
    ),
    "join-digits": (
        '${ range(10000) | each(1e99 * 1e99 * 1e99 * 1e99 * 1e99) | join(",") }',
        None,
        "1048576",
    ),
    "deeper-than-the-stack": ("$.input | from_json", "[" * 500_000, ""),
    "deep": ("$.input | from_json", "[" * 1000 + "]" * 1000, "is nested deeper than 128 levels"),
    "digits": ("$.input | from_json", "1" * 2000, "is a number of more than 1000 digits"),
    "nested-each": (
        "$.input | each(each(range(10000), range(10000)))",
        [1] * 10_000,
        "more than 141 items",
    ),
    "nested-literal": (
        "$.input | each(each([" + "1, " * 200 + "1], @))",
        [1] * 1000,
        "paths and functions are allowed",
    ),
    "many-items": ("$.input | reverse", [1] * 300_000, "it takes at most 100000 items"),
    "range-for-each": ("$.input | each(range(10000))", [1] * 1000, "more than "),
    "outside": (
        "$.input | each($.input[*] ? (@.id == 3))",
        ITEMS,
        "it goes through what lies outside",
    ),
    "copies-of-outside": (
        "$.input.a | each($.input.b)",
        {"a": [1] * 1000, "b": LONG},
        "are allowed for each of so many items",
    ),
    "copies-of-items": (
        "$.input | each({" + ", ".join(f'"{n}": @' for n in range(300)) + "})",
        [LONG[:5000]] * 200,
        "an object or an array in an expression has more than 88",
    ),
    "copies": (
        "${ length([" + ", ".join(["$.input"] * 300) + "]) }",
        LONG,
        "more than 4194304 bytes",
    ),
    "functions-for-each": (
        "$.input | each(@.name" + " | concat(@.name)" * 11 + ")",
        ITEMS,
        "paths and functions are allowed",
    ),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_what_would_take_long_fails_at_once(evaluate: Evaluate, name: str) -> None:
    text, value, message = BOUNDED[name]
    began = time.perf_counter()
    with pytest.raises(ExpressionFailed) as failed:
        evaluate(text, value)
    assert message in str(failed.value)
    assert len(str(failed.value)) < 20_000
    assert time.perf_counter() - began < SECONDS


ALLOWED = [
    ("$.input | each(@.name | upper) | count", ITEMS, 10_000),
    (
        '$.input | each({"id": @.id, "name": concat(@.name, "!"), "all": $.input[0].id}) | count',
        ITEMS,
        10_000,
    ),
    ("$.input | filter(@.id >= 5000) | sort(@.name) | reverse | first", ITEMS, ITEMS[9999]),
    ("$.input | sort(@.id) | unique | count", ITEMS, 10_000),
    ('$.input | split("b") | count', LONG, 1),
    ("${ range(100000) | sum }", None, 4999950000),
    ("$.input | sort | unique | reverse", [1] * 100_000, [1]),
]


@pytest.mark.parametrize(("text", "value", "gives"), ALLOWED, ids=[row[0][:50] for row in ALLOWED])
def test_what_is_usual_is_quick(evaluate: Evaluate, text: str, value: Json, gives: Json) -> None:
    began = time.perf_counter()
    assert evaluate(text, value) == gives
    assert time.perf_counter() - began < SECONDS
