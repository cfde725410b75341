"""Every path that the compiler lets through is one that Postgres takes, and fails only as WF006."""

import contextlib
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onceflow.engine import json_text
from onceflow.engine.errors import DefinitionError, ExpressionFailed, translated
from onceflow.engine.json_text import Json

from .expressions import compile_text
from .paths import EXPRESSIONS

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "ab", "1.5", "12:00", "2020-01-01", "2020-01-01T10:00:00+02:00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "items", "first-name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=400)
@example(text='$.input.a ? (@.datetime() < "2020-01-01T10:00:00+02:00".datetime())', value={})
@example(text="$.input.a[*].datetime() == $.input.b.datetime()", value={"a": ["2020-01-01"]})
@given(text=EXPRESSIONS, value=VALUES)
def test_what_is_compiled_is_evaluated(
    postgres: psycopg.Connection[Any], text: str, value: Json
) -> None:
    try:
        tree = compile_text(f"${{{text}}}")
    except DefinitionError:
        return
    postgres.execute("select %s::jsonpath", (tree["p"],))
    with contextlib.suppress(ExpressionFailed), translated():
        row = postgres.execute(
            "select onceflow.evaluate(%s::jsonb, %s::jsonb)::text",
            (json_text.encode(tree), json_text.encode({"input": value})),
        ).fetchone()
        assert row != (None,)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$.input.customer", '$."input"."customer"'),
        ("$.input.first-name", '$."input"."first-name"'),
        ("$.input.a-.b--c.x-1", '$."input"."a-"."b--c"."x-1"'),
        ("$.input.a -1 > 0", '$."input"."a" - 1 > 0'),
        ('$.input."x y"', '$."input"."x y"'),
        ("$.input.é", '$."input"."é"'),
        ("$ . input .a", '$."input"."a"'),
        ("$.input.size", '$."input"."size"'),
        ("$.input.size()", '$."input".size()'),
        ("$.input.a[last - 1]", '$."input"."a"[last - 1]'),
        ("$.input.a[$.input.n]", '$."input"."a"[$."input"."n"]'),
        ("$.input.a - 1 == 2", '$."input"."a" - 1 == 2'),
        ("-$.input.a * 2", '-$."input"."a" * 2'),
        ("!($.input.a == true)", '!($."input"."a" == true)'),
        ('($.input.a == "\\u00e9") is unknown', '($."input"."a" == "é") is unknown'),
        ('$.input.a like_regex "^a\\\\d" flag "i"', '$."input"."a" like_regex "^a\\\\d" flag "i"'),
    ],
)
def test_printed(text: str, path: str) -> None:
    assert compile_text(f"${{ {text} }}")["p"] == f"strict {path}"


@pytest.mark.parametrize(
    "text",
    [
        "$.input.items[*]",
        "$.input.items[*].price",
        "$.input.items ? (@.price > 3)",
        "$.input.items[0 to 2]",
        "$.input.items[0, 1]",
        "$.input.*",
        "$.input.**",
        "$.input.**{2 to last}.a",
        "$.input.keyvalue()",
        "($.input.items[*]).size()",
    ],
)
def test_gives_an_array_always(text: str) -> None:
    assert compile_text(text if text.startswith("$.") else f"${{{text}}}")["m"] is True


@pytest.mark.parametrize("text", ["$.input", "$.input.items[0]", "$.input.items.size()"])
def test_gives_one_value(text: str) -> None:
    assert compile_text(text).keys() == {"p", "t"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("$.", "a name is expected behind the dot"),
        ("$.input.", "a name is expected behind the dot"),
        ("$.input.7th", 'write others in quotes: ."7th"'),
        ("$.input[", "a path that begins with $. is expected"),
        ("$.input[0", "] is expected to close ["),
        ("$.input[*", "] is expected to close ["),
        ("$.input ? @.a", "( is expected behind ?"),
        ("$.input ? (@.a)", "needs a condition here"),
        ("$.input && $.input", "needs a condition here"),
        ("$.input.a == @", "@ stands for the item of a filter"),
        ("$.input.a + last", "`last` stands for the last index"),
        ("$.input.a[*] + 1", "+ needs one number, and this gives an array"),
        ("$.input.a[$.input.b[*]]", "a subscript needs one number"),
        ("$.input.bigint()", "Postgres 15 has no method .bigint()"),
        ("$.input.sise()", "did you mean 'size'?"),
        ('$.input like_regex "("', "has a ( that nothing closes"),
        ('$.input like_regex "(?i)a"', "repeats nothing at ?"),
        ('$.input like_regex "a{9}{9}"', "repeats nothing at {"),
        ('$.input like_regex "((a{200}){200}){2}"', "is too large"),
        ('$.input like_regex "a" flag "x"', "a flag of like_regex is one of"),
        ('$.input == "\\x41"', "an escape that JSON does not know"),
        ('$.input == "\\u0000"', "a character that Postgres cannot keep"),
        ("$.input == 'a'", "a path that begins with $. is expected"),
        ("$.input == 01", "a path that begins with $. is expected"),
        ("$.input a", "something follows the expression"),
        ("$.input == (1", ") is expected to close ("),
        ("$.input" + " + (1" * 20, "nested deeper than"),
        ("$.input.a == " + "- " * 20 + "1", "nested deeper than"),
        ("$.input starts 3", "`with` is expected"),
        ("$.input is unknown", "needs a condition in parentheses"),
        ("$.input ? (@ == $x)", "something"),
    ],
)
def test_refused(text: str, fault: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        compile_text(text)
    if fault != "something":
        assert fault in refused.value.faults[0].message
