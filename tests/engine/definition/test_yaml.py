"""Reading YAML: plain data by the core schema of YAML 1.2, with the place of everything."""

from decimal import Decimal

import pytest

from onceflow.engine.definition import parse
from onceflow.engine.errors import DefinitionError
from onceflow.engine.json_text import Json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("{on: off}", {"on": "off"}),
        ("{y: n, true: 1, 404: x, ~: y}", {"y": "n", "true": 1, "404": "x", "~": "y"}),
        ("[true, False, TRUE, null, ~, '']", [True, False, True, None, None, ""]),
        ("a:", {"a": None}),
        ("[1, -7, +3, 0, 0o17, 0x1F]", [1, -7, 3, 0, 15, 31]),
        ("12345678901234567890123", 12345678901234567890123),
        ("[0.2, .5, 1e400]", [0.2, 0.5, Decimal("1e400")]),
        ("12.50", Decimal("12.50")),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2020-01-01", "2020-01-01"),
        ("['1', \"true\", !!str 3]", ["1", "true", "3"]),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("[&a {x: 1}, *a]", [{"x": 1}, {"x": 1}]),
        ("\ufeff{a: é}", {"a": "é"}),
    ],
)
def test_reads(text: str, value: Json) -> None:
    read = parse(text, "yaml").value
    assert read == value
    assert repr(read) == repr(value), "a type or a digit differs"


LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
)
DEEP_ALIASES = "\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3\n", "/a (line 3, column 1): the key 'a' stands twice"),
        ("a: {b: .nan}", "/a/b (line 1, column 8): .nan is not a number of JSON"),
        ("- -.inf", "/0 (line 1, column 3): -.inf is not a number of JSON"),
        ("- 007", "/0 (line 1, column 3): 007 may be text or a number"),
        ('- "a\\0b"', "/0 (line 1, column 3): holds the character NUL"),
        ('{"\\0": 1}', "(line 1, column 2): holds the character NUL"),
        ("<<: {a: 1}", "/<< (line 1, column 1): YAML 1.2 has no merge keys"),
        ("- !!python/object:os.system x", "has the tag tag:yaml.org,2002:python/object:os.system"),
        ("- !!set {a, b}", "has the tag tag:yaml.org,2002:set"),
        ("[a]: b", "line 1, column 1: a key is text"),
        ("- *nothing", "/0 (line 1, column 3): *nothing repeats nothing"),
        ("- &a [*a]", "/0/0 (line 1, column 7): *a stands inside what it repeats"),
        ("a: [", "line 2, column 1: is not YAML"),
        ("a: b: c", "line 1, column 5: is not YAML"),
        ("\x01", "is not YAML"),
        ("", "the document: is empty"),
        ("a\n---\nb", "the document (line 1, column 1): holds several YAML documents"),
        (LAUGHS, "makes more than 100000 values"),
        (DEEP_ALIASES, "is nested deeper than 64 levels"),
        ("[" * 100_000, "is nested deeper than 64 levels"),
        ("1" * 5000, "has more than 1000 digits"),
        ("1e99999999999999999999", "has more than 1000 digits"),
        ("0x" + "f" * 5000, ""),
        ("a" * (1024 * 1024 + 1), "has more than 1048576 bytes"),
    ],
)
def test_refuses(text: str, fault: str) -> None:
    if not fault:
        assert parse(text, "yaml").value == text
        return
    with pytest.raises(DefinitionError) as refused:
        parse(text, "yaml")
    assert any(fault in str(found) for found in refused.value.faults), refused.value.faults


def test_every_fault_is_listed_in_the_order_of_the_text() -> None:
    with pytest.raises(DefinitionError) as refused:
        parse("b: .nan\na: 1\na: 2\nc: 007\n", "yaml")
    assert [fault.place for fault in refused.value.faults] == [
        "/b (line 1, column 4)",
        "/a (line 3, column 1)",
        "/c (line 4, column 4)",
    ]


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(DefinitionError, match="line 1, column 4: is not UTF-8"):
        parse(b"a: \xff", "yaml")


def test_a_lone_surrogate_in_the_text_is_refused() -> None:
    with pytest.raises(DefinitionError, match="is not UTF-8"):
        parse("a: \ud800", "yaml")


def test_places() -> None:
    document = parse("a: &x\n  - b: 1\nc/~d: *x\n", "yaml")
    assert document.place("/a/0/b") == "/a/0/b (line 2, column 8)"
    assert document.place("/a/0/b", key=True) == "/a/0/b (line 2, column 5)"
    # What an alias repeats is found where the alias stands.
    assert document.place("/c~1~0d/0/b") == "/c~1~0d/0/b (line 3, column 7)"
    assert document.place("") == "the document (line 1, column 1)"
