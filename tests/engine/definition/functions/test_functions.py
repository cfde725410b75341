"""Each function gives what the table says, and takes what the compiler says that it takes."""

import json
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest

from onceflow.engine.definition.expressions.functions import ANY, FUNCTIONS
from onceflow.engine.definition.source.document import Document, Faults
from onceflow.engine.definition.steps.checks import condition
from onceflow.engine.errors import DefinitionError, ExpressionFailed
from onceflow.engine.json_text import Json

from ..conftest import Evaluate
from ..expressions import compile_text
from .examples import EXAMPLES, INPUT, Fails

CONTEXT = {"@now": "2026-11-26T12:00:00.000000Z", "@task": "0190b5a3-0000-7000-8000-000000000001/a"}
ROWS = [row for rows in EXAMPLES.values() for row in rows]
KINDS: dict[str, Json] = {
    "null": None,
    "boolean": True,
    "number": 1,
    "string": "1",
    "array": [],
    "object": {},
}


@pytest.mark.parametrize(("text", "gives"), ROWS, ids=[text for text, _ in ROWS])
def test_an_example(evaluate: Evaluate, text: str, gives: Json | Fails) -> None:
    if isinstance(gives, Fails):
        with pytest.raises(ExpressionFailed) as failed:
            evaluate(text, INPUT, **CONTEXT)
        assert gives.message in str(failed.value)
    else:
        given = evaluate(text, INPUT, **CONTEXT)
        assert given == gives
        if isinstance(gives, Decimal):
            assert str(given) == str(gives), "a digit was lost"


def test_every_function_has_examples() -> None:
    assert EXAMPLES.keys() == FUNCTIONS.keys()
    of_values = [name for name, function in FUNCTIONS.items() if function.of]
    for name in of_values:
        fails = [isinstance(gives, Fails) for _, gives in EXAMPLES[name]]
        assert not all(fails), name
        assert any(fails), name


@pytest.mark.parametrize("name", [name for name, each in FUNCTIONS.items() if each.of])
def test_postgres_takes_the_kinds_that_the_compiler_takes(evaluate: Evaluate, name: str) -> None:
    function = FUNCTIONS[name]
    arguments = "($.input.a)" if function.least == 1 else "($.input.a, $.input.a)"
    asked = function.takes if function.least and not function.each else ANY
    taken: set[tuple[str, str]] = set()
    for kind, argument in product(ANY, ANY):
        text = f"$.input.x | {name}{arguments if function.least else ''}"
        try:
            evaluate(text, {"x": KINDS[kind], "a": KINDS[argument]})
        except ExpressionFailed as error:
            if "this takes " in str(error) or f"an argument of {name} is" in str(error):
                continue
        taken.add((kind, argument))
    assert {kind for kind, _ in taken} == set(function.of)
    assert {argument for _, argument in taken} <= set(asked)


FAULTS = [
    ("$.input.a | splitt", "there is no function 'splitt'; did you mean 'split'?"),
    ("${ pslit($.input.a, 1) }", "there is no function 'pslit'; did you mean 'split'?"),
    ("$.input.a | split", "split takes one argument, not 0"),
    ('${ split("a", "b", "c") }', "split takes one argument, besides its value, not 2"),
    ("$.input.a | slice(1, 2, 3)", "slice takes one or two arguments, not 3"),
    ("$.input.a | concat", "concat takes at least one and at most 20 arguments, not 0"),
    ("$.input.a | upper(1)", "upper takes no argument, not 1"),
    ("${ upper() }", "upper needs a value: upper(value)"),
    ("$.input.a | now", "now takes no value; write ${ now() }"),
    ("${ now(1) }", "now(, which takes nothing"),
    ("$.input.a | split(3)", "split needs a string as its argument"),
    ('$.input.a | split("")', "split needs a string that is not empty"),
    ('$.input.a | replace("a", null)', "replace needs a string as its second argument"),
    ('$.input.a | format_time("%q")', "format_time does not know %q in a pattern; it knows %Y"),
    ('$.input.a | format_time("%")', "has a pattern that ends in %"),
    ('$.input.a | parse_time("%m")', "has a pattern without a year"),
    ('$.input.a | format_time("%Y", "CET+1")', "the name of a time zone"),
    ('$.input.a | add_time("5 m")', "add_time needs a duration"),
    ('$.input.a | add_time("P")', "add_time needs a duration"),
    ("$.input.a[*] ? (length(@) > 1)", "a function cannot stand in ?( … )"),
    ("${ @.a }", "and this is in none"),
    ("$.input.a | each(@.a) | default(@)", "and this is in none"),
    ('$.input.a | default({"a": 1, "a": $.input})', "the key 'a' stands twice"),
    ("$.input.a | default(abc)", "an argument is JSON or an expression"),
    ("$.input.a | default([1, 2)", ", is expected or ] behind an item"),
    ("$.input.a | each(@" + " | upper" * 20 + ")", "an expression has at most 20 functions"),
    ("$.input.a | default(" + "[" * 20 + "]" * 20 + ")", "nested deeper than 16 levels"),
    ("${ 1 + 2 }", "this names nothing"),
]


@pytest.mark.parametrize(("text", "fault"), FAULTS, ids=[text for text, _ in FAULTS])
def test_a_faulty_call_is_refused(text: str, fault: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        compile_text(text)
    assert fault in refused.value.faults[0].message


def test_a_literal_in_an_argument_keeps_its_digits() -> None:
    value = '{"a": [1.10, -1e2, "x|y", true, null]}'
    tree = compile_text(f"$.input.a | default({value})")
    assert json.dumps(tree["a"][0]["v"], default=str) == json.dumps(
        {"a": ["1.10", "-1E+2", "x|y", True, None]}
    )


def test_ids_differ_by_task_place_and_item_and_are_the_same_each_time(evaluate: Evaluate) -> None:
    value = ["${ uuid() }", "${ uuid() } ${ uuid() }", "${ range(2) | each(uuid()) }"]
    first = evaluate(value, **CONTEXT)
    one, two, many = first
    made = [one, *two.split(" "), *many]
    assert len(set(made)) == 5
    assert {(UUID(each).version, UUID(each).variant) for each in made} == {
        (8, "specified in RFC 4122")
    }
    assert evaluate(value, **CONTEXT) == first
    other = evaluate(value, **{**CONTEXT, "@task": "another"})
    assert other[0] not in made


@pytest.mark.parametrize("setting", ["datestyle = 'German'", "timezone = 'Asia/Tokyo'"])
def test_no_setting_of_the_session_changes_a_time(
    postgres: psycopg.Connection[Any], evaluate: Evaluate, setting: str
) -> None:
    rows = [row for name in ("format_time", "parse_time", "add_time") for row in EXAMPLES[name]]
    sound = {text: gives for text, gives in rows if not isinstance(gives, Fails)}
    with postgres.transaction():
        postgres.execute(f"set local {setting}".encode())
        assert evaluate(list(sound), INPUT, **CONTEXT) == list(sound.values())


@pytest.mark.parametrize("text", ["$.input | each(@ > 1)", "${ concat($.input.a, 1) }"])
def test_what_a_function_gives_is_held_to_be_a_condition_once_it_is_known(text: str) -> None:
    compiled = condition(text, "", Faults(Document.of(text)))
    assert compiled is not None
    assert compiled.tree["f"] == "boolean"
