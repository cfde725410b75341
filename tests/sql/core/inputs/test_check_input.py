"""start_instances itself checks what of the input's schema could be compiled."""

import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onceflow.engine import calls, json_text
from onceflow.engine.definition import check_input
from onceflow.engine.definition.inputs.checks import compile_checks

from ...play import Connection, Play
from ...workflows import sequence

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.0, 1.5, -2.25]),
    st.sampled_from(["", "a", "ab", "ł€𝄞", "2024-02-29", "2023-02-29", "12:00:00Z", "a~/b"]),
    st.sampled_from(
        [
            "2024-02-29T23:59:59.5+01:00",
            "2024-02-29t24:00:00Z",
            "0000-01-01",
            "2024-04-31",
            "2024-01-01\n",
            "C0FFEE00-0000-4000-8000-000000000000",
            "c0ffee00-0000-4000-8000-00000000000",
        ]
    ),
)
NAMES = st.sampled_from(["a", "b", "a~/b", ""])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])
SIZES = st.integers(0, 3)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=4),
            "const": VALUES,
            "minimum": st.sampled_from([-1, 0, 0.5, 2]),
            "maximum": st.sampled_from([-1, 0, 0.5, 2]),
            "exclusiveMinimum": st.sampled_from([0, 1]),
            "exclusiveMaximum": st.sampled_from([0, 1]),
            "multipleOf": st.sampled_from([1, 0.5, 0.01, 3]),
            "minLength": SIZES,
            "maxLength": SIZES,
            "minItems": SIZES,
            "maxItems": SIZES,
            "minProperties": SIZES,
            "maxProperties": SIZES,
            "uniqueItems": st.booleans(),
            "format": st.sampled_from(["date", "date-time", "time", "uuid", "color"]),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "additionalProperties": inner,
            "items": inner,
            "title": st.just("a remark"),
        },
    )


PARTS = st.recursive(
    st.booleans() | _schemas(st.booleans()),
    lambda inner: _schemas(inner | st.just({"$ref": "#/$defs/a~1b"}) | st.just({"$ref": "#"})),
    max_leaves=6,
)
SCHEMAS = st.tuples(_schemas(PARTS), PARTS).map(lambda two: {**two[0], "$defs": {"a/b": two[1]}})


def _found(conn: Connection, checks: Any, value: Any) -> list[tuple[str, str]]:
    row = conn.execute(
        "select onceflow.check_input(%s::jsonb, %s::jsonb)",
        (json_text.encode(checks), json_text.encode(value)),
    ).fetchone()
    assert row is not None
    faults: list[dict[str, str]] = row[0] or []
    return [(fault["place"], fault["message"]) for fault in faults]


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(schema=SCHEMAS, value=VALUES)
def test_it_agrees_with_the_library(shared_conn: Connection, schema: Any, value: Any) -> None:
    compiled = compile_checks(schema)
    if any("$ref" in place or "enum" in place or "const" in place for place in compiled.unchecked):
        return  # a chain too long, or too many
    assert compiled.unchecked == []
    library = {(f.place, f.message.split("; ")[0]) for f in check_input(schema, value)}
    ours = set(_found(shared_conn, compiled.checks, value) if compiled.checks else [])
    assert {place for place, _ in ours} == {place for place, _ in library}, (ours, library)
    # Of the words, only how a large number is written may differ.
    assert {m.casefold() for _, m in ours} == {m.casefold() for _, m in library}


SCHEMA = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 3},
        "born": {"format": "date"},
        "tags": {"items": {"enum": ["a", 1.0]}},
        "parent": {"$ref": "#"},
    },
    "additionalProperties": False,
}


def test_a_wrong_input_starts_nothing_by_any_door(play: Play) -> None:
    compiled = compile_checks(SCHEMA)
    made = sequence("a", input_schema=SCHEMA)
    play.deploy({**made, "input_checks": compiled.checks, "input_unchecked": compiled.unchecked})
    wrong = {"parent": {"name": "long", "born": "2023-02-29"}, "tags": ["a", 1, 2], "x~/": 0}
    right, refused = calls.start_instances(play.conn, "flow", [{"name": "Ada"}, wrong])
    assert (right.outcome, refused.outcome) == ("started", "invalid")
    assert refused.error is not None
    assert [(fault["place"], fault["message"]) for fault in refused.error["faults"]] == [
        ("/name", "is missing"),
        ("/parent/born", "must be a valid date"),
        ("/parent/name", "must have at most 3 characters"),
        ("/tags/2", 'must be one of ["a",1.0]'),
        ("/x~0~1", "is not known to the schema"),
    ]
    assert play.value("select count(*) from onceflow.instances") == 1
    (started,) = calls.start_instances(play.conn, "flow", [{"name": "Ada", "tags": [1.00]}])
    assert started.outcome == "started"


def test_what_postgres_does_not_check_is_named() -> None:
    compiled = compile_checks(
        {"properties": {"a/b": {"pattern": "x", "format": "email"}}, "allOf": [{"type": "object"}]}
    )
    assert compiled.unchecked == ["/allOf", "/properties/a~1b/format", "/properties/a~1b/pattern"]
    assert compile_checks({"title": "x"}).checks is None
    assert compile_checks(None).checks is None


def test_a_large_input_is_checked_in_time(play: Play) -> None:
    """Each value is looked at once, however the schema leads back to itself."""
    schema = {"properties": {"x": {"items": {"enum": [f"v{n}" for n in range(4000)]}}}}
    value = {"x": ["v1"] * 50_000}
    began = time.perf_counter()
    assert _found(play.conn, compile_checks(schema).checks, value) == []
    nested: Any = {"x": "x" * 50_000}
    for _ in range(100):
        nested = {"x": nested}
    doubling = {
        "$ref": "#/$defs/a",
        "properties": {"x": {"$ref": "#"}},
        "$defs": {"a": {"properties": {"x": {"$ref": "#"}}}},
    }
    compiled = compile_checks(doubling)
    assert compiled.unchecked == ["/$defs/a/properties"]
    assert _found(play.conn, compiled.checks, nested) == []
    assert time.perf_counter() - began < 15
