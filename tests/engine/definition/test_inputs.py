"""The JSON Schema of inputs: which are refused, and what is wrong with an input."""

from decimal import Decimal

import pytest

from onceflow.engine.definition import check_input, compile_definition
from onceflow.engine.definition.inputs.input_schema import DIALECT
from onceflow.engine.json_text import Json

from .support import faults_of, workflow

ORDER: Json = {
    "type": "object",
    "required": ["customer", "email"],
    "additionalProperties": False,
    "properties": {
        "customer": {"type": "string", "minLength": 1},
        "email": {"type": "string", "format": "email"},
        "amount": {"type": "number", "multipleOf": 0.01, "minimum": 0.1},
        "count": {"type": "integer"},
        "kind": {"enum": ["a", 0.5]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "$defs": {"line": {"type": "object", "properties": {"next": {"$ref": "#/$defs/line"}}}},
}
GOOD: dict[str, Json] = {"customer": "c", "email": "a@b.c"}
FITTING: list[dict[str, Json]] = [
    {},
    {"amount": 1.15},
    {"amount": 0.1},
    {"amount": Decimal("1265793.03")},
    {"amount": Decimal("123456789012345678901234567890.03")},
    {"count": 3},
    {"count": 3.0},
    {"kind": 0.5},
    {"lines": [{"next": {"next": {}}}]},
]


@pytest.mark.parametrize("more", FITTING)
def test_fits(more: dict[str, Json]) -> None:
    assert check_input(ORDER, {**GOOD, **more}) == []


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ({}, ["/customer: is missing", "/email: is missing"]),
        (3, ["must be of type object"]),
        ({**GOOD, "emial": 1}, ["/emial: is not known to the schema; did you mean 'email'?"]),
        ({**GOOD, "customer": ""}, ["/customer: must have at least 1 characters"]),
        ({**GOOD, "email": "x"}, ["/email: must be a valid email"]),
        ({**GOOD, "amount": 1.155}, ["/amount: must be a multiple of 0.01"]),
        ({**GOOD, "amount": Decimal("0.09")}, ["/amount: must be at least 0.1"]),
        ({**GOOD, "amount": Decimal("1e999999")}, ["/amount: must be a multiple of 0.01"]),
        ({**GOOD, "count": 3.5}, ["/count: must be of type integer"]),
        ({**GOOD, "count": True}, ["/count: must be of type integer"]),
        ({**GOOD, "kind": "b"}, ['/kind: must be one of ["a",0.5]']),
        ({**GOOD, "lines": [{"next": [1]}]}, ["/lines/0/next: must be of type object"]),
    ],
)
def test_does_not_fit(value: Json, faults: list[str]) -> None:
    assert [str(fault) for fault in check_input(ORDER, value)] == faults


UNREADABLE = {"exponent": b"1e99999999999999999999", "half": b"1e", "digits": b"9" * 5_000}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_no_reader_takes_does_not_fit(kind: str) -> None:
    (fault,) = check_input({}, UNREADABLE[kind])
    assert fault.message.startswith("cannot be read: ")


def test_no_schema_takes_anything() -> None:
    assert check_input(None, {"a": [1]}) == []


def test_faults_do_not_show_the_value_and_are_bounded() -> None:
    faults = check_input({"items": {"type": "integer"}}, ["s3cret"] * 1000)
    assert len(faults) == 100
    assert not any("s3cret" in str(fault) for fault in faults)


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, "1", True, [1], {"a": 1}, [True], {"a": True}], True),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
        ([[1], [1.0]], False),
        ([0.1, 0.10], False),
        ([{"a": n} for n in range(20_000)], True),
    ],
)
def test_unique_items(items: list[Json], unique: bool) -> None:
    assert (check_input({"uniqueItems": True}, items) == []) == unique


def test_a_value_too_deep_to_check_is_a_fault() -> None:
    deep: dict[str, Json] = {}
    for _ in range(5000):
        deep = {"next": deep}
    assert (
        "nested too deeply"
        in check_input(ORDER["$defs"]["line"] | ORDER, {"lines": [deep]})[0].message
    )


MENDS = {
    "date-time": " with its offset from UTC: write 2026-11-26T08:00:00+01:00 or "
    "2026-11-26T07:00:00Z",
    "time": " with its offset from UTC: write 08:00:00+01:00 or 07:00:00Z",
}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2020-02-29", "2021-02-29"),
        ("date-time", "2020-01-01T10:00:00Z", "2020-01-01 10:00:00"),
        ("time", "10:00:00+02:00", "10:00"),
        ("duration", "P1DT2H", "P"),
        ("email", "zażółć@example.org", "a b@c"),
        ("uuid", "0190b0a0-0000-7000-8000-000000000000", "0190b0a0"),
        ("ipv4", "127.0.0.1", "127.0.0"),
        ("ipv6", "::1", ":::"),
        ("hostname", "a-b.example", "-a"),
        ("uri", "https://example.org/a?b#c", "/a"),
        ("uri-reference", "/a", "a b"),
        ("regex", "^a+$", "("),
    ],
)
def test_formats(name: str, good: str, bad: str) -> None:
    assert check_input({"format": name}, good) == []
    assert check_input({"format": name}, 3) == []
    assert [fault.message for fault in check_input({"format": name}, bad)] == [
        f"must be a valid {name}{MENDS.get(name, '')}"
    ]


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "objekt"}, "/input/type: is no JSON Schema"),
        ({"required": "a"}, "/input/required: is no JSON Schema: must be of type array"),
        ({"properties": {"a": {"minLength": -1}}}, "/input/properties/a/minLength: is no JSON"),
        ({"pattern": "("}, "/input/pattern: the pattern '(' is none that RE2 takes"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/input/$schema: must be https"),
        ({"$ref": "#/$defs/x"}, "/input: the $ref '#/$defs/x' leads nowhere"),
        (
            {"$ref": "https://example.org/x"},
            "/input: the $ref 'https://example.org/x' leads nowhere",
        ),
        ({"items": {"$dynamicRef": "#nothing"}}, "leads nowhere"),
        ({"$ref": "#"}, "/input: refers to itself without end"),
        ({"allOf": [{"not": {"$ref": "#"}}]}, "refers to itself without end"),
        (
            {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}},
            "refers to itself without end",
        ),
        ({"dependentSchemas": {"a": {"$ref": "#"}}}, "refers to itself without end"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: Json, fault: str) -> None:
    found = faults_of(workflow({"id": "a"}, input=schema))
    assert len(found) == 1
    assert fault in found[0]


def test_a_schema_may_lead_back_to_itself_through_a_member() -> None:
    schema: Json = {"properties": {"child": {"$ref": "#"}, "$ref": {"type": "string"}}}
    assert compile_definition(workflow({"id": "a"}, input=schema))["input_schema"] == schema


NO: Json = False


@pytest.mark.parametrize(
    ("schema", "value", "place"),
    [
        ({"properties": {"a": NO}}, {"a": None}, "/a"),
        ({"patternProperties": {"a": NO}}, {"a": None}, "/a"),
        ({"additionalProperties": {"properties": {"b": NO}}}, {"a": {"b": 1}}, "/a/b"),
        ({"items": {"properties": {"a": NO}}}, [{}, {"a": 1}], "/1/a"),
        ({"prefixItems": [True, NO]}, [1, 2], "/1"),
        ({"properties": {"a": {"allOf": [True, NO]}}}, {"a": 1}, "/a"),
        ({"properties": {"a": {"then": NO, "if": True}}}, {"a": 1}, "/a"),
        ({"properties": {"a": {"$ref": "#/$defs/no"}}, "$defs": {"no": NO}}, {"a": 1}, "/a"),
        ({"dependentSchemas": {"a": {"properties": {"b": NO}}}}, {"a": 1, "b": 2}, "/b"),
    ],
)
def test_what_may_not_be_there_is_named(schema: Json, value: Json, place: str) -> None:
    assert [str(fault) for fault in check_input(schema, value)] == [f"{place}: is not allowed here"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": DIALECT, "properties": {"a": {"$ref": "#"}}, "pattern": r"^\pL$"},
        {"properties": {"a": {"$schema": DIALECT, "pattern": r"^\pL$"}}},
        {"properties": {"a": {"allOf": [{"$schema": DIALECT, "pattern": r"^\pL$"}]}}},
    ],
)
def test_no_dialect_that_a_schema_names_lifts_the_bounds(schema: Json) -> None:
    """The pattern is one of our engine's, which never goes back; Python's would not take it."""
    (fault,) = check_input(schema, {"a": "7"})
    assert str(fault) == r"/a: must match the pattern ^\pL$"
