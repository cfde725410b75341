"""onceflow.evaluate: the value of every kind of tree, on a real Postgres."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from onceflow.engine.errors import ExpressionFailed
from onceflow.engine.json_text import Json

from .conftest import Evaluate

ORDER: Json = {
    "customer": "ALFKI",
    "name": "  Zażółć Gęślą ",
    "total": Decimal("1265793.0395"),
    "huge": Decimal("12345678901234567890.12345678901234567890"),
    "paid": False,
    "note": None,
    "first-name": "Ana",
    "lines": [
        {"sku": "a", "price": Decimal("0.10"), "tags": ["x"]},
        {"sku": "b", "price": Decimal("0.20")},
    ],
    "prices": [Decimal("0.10"), Decimal("0.20"), 3],
    "empty": [],
    "giants": [Decimal("9e131071"), Decimal("9e131071")],
    "strings": ["a", "b", 1, True],
}

FOUND: list[tuple[Json, Json]] = [
    # literals
    ("plain", "plain"),
    (None, None),
    ([1, {"a": [None, True]}], [1, {"a": [None, True]}]),
    ({}, {}),
    ("$5 and $$5", "$5 and $5"),
    ("$$.input", "$.input"),
    ("$${ $.input }", "${ $.input }"),
    # paths
    ("$.input.customer", "ALFKI"),
    ("$.input.first-name", "Ana"),
    ("$.input.note", None),
    ("$.input.paid", False),
    ("$.input.lines[last].sku", "b"),
    ("$.input.lines[*].sku", ["a", "b"]),
    ("$.input.lines[0 to 0].sku", ["a"]),
    ('$.input.lines[*] ? (@.sku == "b").price', [Decimal("0.20")]),
    ('$.input.lines[*] ? (@.sku == "z").price', []),
    ("$.input.lines[*] ? (exists(@.tags)).sku", ["a"]),
    ("$.input.empty[*]", []),
    ("$.input.lines.size()", 2),
    ("$.input.total * 2", Decimal("2531586.0790")),
    ("$.input.total > 1000", True),
    ("$.input.total < 1000 || $.input.paid == true", False),
    ('$.input.customer like_regex "^al" flag "i"', True),
    # texts
    ("${ $.input.customer }", "ALFKI"),
    ("${ $.input.total }", Decimal("1265793.0395")),
    ("${ $.input.total } EUR", "1265793.0395 EUR"),
    ("${ $.input.huge }!", "12345678901234567890.12345678901234567890!"),
    ("${ $.input.lines[0].price }$$", "0.10$"),
    ("<${ $.input.paid }>", "<false>"),
    ("${ $.input.name }${ $.input.customer }", "  Zażółć Gęślą ALFKI"),
    # objects and arrays
    (
        {"a": "$.input.customer", "b": {"c": ["$.input.paid", 1]}},
        {"a": "ALFKI", "b": {"c": [False, 1]}},
    ),
    (["$.input.note", ["$.input.empty"]], [None, [[]]]),
    ({"a": "$.input.note"}, {"a": None}),
    # functions
    ('$.input.missing | default("PL")', "PL"),
    ('$.input.missing.deeper | default("PL")', "PL"),
    ('$.input.note | default("PL")', "PL"),
    ('$.input.customer | default("PL")', "ALFKI"),
    ("$.input.paid | default(true)", False),
    ("$.input.missing | default($.input.customer)", "ALFKI"),
    ('$.input.missing | default($.input.note) | default("x")', "x"),
    ('$.input.missing | default($.input.gone) | default("x")', "x"),
    ("$.input.missing | default(null)", None),
    ('$.input.missing | default({"a": [1, "|"]})', {"a": [1, "|"]}),
    ("$.input.lines[*].tags | default([])", []),
    ("$.input.missing > 3 | default(false)", False),
    ("$.input.total > 3 | default(false)", True),
    ("${ exists($.input.missing) | default(false) }", False),
    ("$.input.missing | upper | default(3)", 3),
    ("$.input.empty | first | default(3)", 3),
    ("$.input.customer | lower", "alfki"),
    ("$.input.customer | lower | upper", "ALFKI"),
    ("$.input.name | trim", "Zażółć Gęślą"),
    ("$.input.name | trim | length", 12),
    ("$.input.lines | length", 2),
    ("$.input.lines[0] | length", 3),
    ("$.input.total | string", "1265793.0395"),
    ("$.input.paid | string", "false"),
    ('$.input.missing | default("12.340") | number', Decimal("12.340")),
    ('$.input.missing | default("-1e3") | number', -1000),
    ("$.input.total | number", Decimal("1265793.0395")),
    ("$.input.note | json", "null"),
    ("$.input.strings | json", '["a", "b", 1, true]'),
    ('$.input.strings | join(", ")', "a, b, 1, true"),
    ("$.input.strings | join($.input.customer)", "aALFKIbALFKI1ALFKItrue"),
    ('$.input.empty | join(",")', ""),
    ('$.input.lines[*].sku | join("|")', "a|b"),
    ('$.input.strings | join($.input.gone) | default("x")', "x"),
    ("$.input.prices | sum", Decimal("3.30")),
    ("$.input.lines[*].price | sum", Decimal("0.30")),
    ("$.input.empty | sum", 0),
    ("$.input.strings | first", "a"),
    ("$.input.strings | last", True),
    ("$.input.lines[0] | keys", ["price", "sku", "tags"]),
    ('${ $.input.lines[*].sku | join(" ") | upper }!', "A B!"),
]


@pytest.mark.parametrize(("value", "found"), FOUND, ids=[str(value) for value, _ in FOUND])
def test_gives(evaluate: Evaluate, value: Json, found: Json) -> None:
    given = evaluate(value, ORDER)
    assert given == found
    assert type(given) is type(found) or isinstance(given, int | Decimal)
    if isinstance(found, Decimal) and isinstance(given, Decimal):
        assert str(given) == str(found), "a digit was lost"


FAILING = [
    ("$.input.missing", '$.input.missing: JSON object does not contain key "missing"'),
    ("$.input.customer.x", "$.input.customer.x: "),
    ("$.input.lines[7]", "$.input.lines[7]: jsonpath array subscript is out of bounds"),
    ("$.input.lines[*].tags", "$.input.lines[*].tags: "),
    ("$.input.customer[*]", "$.input.customer[*]: "),
    ("$.input.missing > 3", "a part of it finds nothing"),
    ("$.input.customer > 3", "values of different kinds"),
    ("${ exists($.input.missing) }", "a part of it finds nothing"),
    ("$.input.missing | upper", "$.input.missing: JSON object does not contain"),
    ("$.input.note | upper", "this takes string, and was given null"),
    ('$.input.total | upper | default("x")', "this takes string, and was given number"),
    ("$.input.total | length", "this takes string or array or object"),
    ("$.input.empty | first", "there is no item"),
    ("$.input.customer | number", "does not spell a number"),
    ("$.input.strings | sum", "this takes an array of numbers"),
    ("$.input.giants | sum", "overflow"),
    ('$.input.lines | join(",")', "a text takes string, number or boolean, and this gives object"),
    ("$.input.strings | join($.input.gone)", "$.input.gone: "),
    ("$.input.strings | join($.input.note)", "and was given null"),
    ("$.input.missing | default($.input.gone)", "$.input.gone: "),
    ("a ${ $.input.note }", "$.input.note: a text takes string, number or boolean"),
    ("a ${ $.input.lines }", "and this gives array; add | json"),
    ({"deep": [{"er": "$.input.missing"}]}, "$.input.missing: "),
    ("$.input.customer.datetime()", "$.input.customer.datetime(): "),
    ("$.input.total / 0", "division by zero"),
]


@pytest.mark.parametrize(("value", "message"), FAILING, ids=[str(value) for value, _ in FAILING])
def test_fails(evaluate: Evaluate, value: Json, message: str) -> None:
    with pytest.raises(ExpressionFailed) as failed:
        evaluate(value, ORDER)
    assert message in str(failed.value)


def test_a_message_does_not_show_the_value(evaluate: Evaluate) -> None:
    with pytest.raises(ExpressionFailed) as failed:
        evaluate("$.input.password | number", {"password": "s3cret"})
    assert "s3cret" not in str(failed.value)


def test_a_compensation_sees_what_it_undoes(evaluate: Evaluate) -> None:
    value = {"a": "$.output.id", "b": "$.task_input", "c": "$.key", "d": "$.instance.id"}
    found = evaluate(value, output={"id": 7}, task_input=None, key="k", instance={"id": "i"})
    assert found == {"a": 7, "b": None, "c": "k", "d": "i"}


def test_a_dates_comparison_that_needs_a_zone_is_an_error_of_the_path(evaluate: Evaluate) -> None:
    dates = {"a": "2020-01-01", "b": "2020-01-01T10:00:00+02:00"}
    with pytest.raises(ExpressionFailed, match="time zone"):
        evaluate("$.input.a.datetime() < $.input.b.datetime()", dates)


def test_a_deep_context_is_no_crash(evaluate: Evaluate) -> None:
    deep: Json = 1
    for _ in range(500):
        deep = [deep]
    assert len(evaluate("$.input.**", deep)) == 501


def test_only_our_roles_may_call_it(postgres: psycopg.Connection[Any]) -> None:
    rows = postgres.execute(
        """select p.oid::regprocedure::text from pg_proc p
           where p.pronamespace = 'onceflow'::regnamespace and p.proname ~ '^evaluate(_|$)'
             and has_function_privilege('public', p.oid, 'execute')"""
    ).fetchall()
    assert rows == []
