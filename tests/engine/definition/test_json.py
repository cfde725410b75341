"""Reading JSON, and data from Python: the same limits, the same places."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onceflow.engine.definition import Document, parse
from onceflow.engine.errors import DefinitionError
from onceflow.engine.json_text import Json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda text: "\0" not in text),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("ab/~é", max_size=4), inner, max_size=4)
    ),
)


@given(VALUES, st.sampled_from([None, 2]))
def test_reads_what_json_writes(value: Json, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert parse(text, "json").value == value
    assert Document.of(value).value == value


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": 1, "a": 2}', "/a (line 1, column 10): the key 'a' stands twice"),
        ('{"a":\n NaN}', "line 2, column 2: is not JSON: a JSON value is expected"),
        ("[1,]", "line 1, column 4: is not JSON: a JSON value is expected"),
        ("[1 2]", "line 1, column 4: is not JSON: , or ] after an item is expected"),
        ('{"a" 1}', "line 1, column 6: is not JSON: : after a key is expected"),
        ("{a: 1}", "line 1, column 2: is not JSON: a string in"),
        ('{"a": 1} x', "line 1, column 10: is not JSON: something follows the value"),
        ("01", "line 1, column 2: is not JSON: something follows the value"),
        ('"a\nb"', "line 1, column 1: is not JSON: a string"),
        ("", "line 1, column 1: is not JSON: a JSON value is expected"),
        ('["\\u0000"]', "/0 (line 1, column 2): holds the character NUL"),
        ('["\\ud800"]', "/0 (line 1, column 2): holds half of a surrogate pair"),
        ("[" * 100_000, "is nested deeper than 64 levels"),
        ("[" + "1," * 100_000 + "1]", "makes more than 100000 values"),
        ("-" + "9" * 5000, "has more than 1000 digits"),
    ],
)
def test_refuses(text: str, fault: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse(text, "json")
    assert any(fault in str(found) for found in refused.value.faults), refused.value.faults


def test_numbers_keep_their_digits() -> None:
    read = parse('[1.10, 1e2, 0.1, 100, "\\ud83d\\ude00"]', "json").value
    assert repr(read) == repr([Decimal("1.10"), Decimal("1E+2"), 0.1, 100, "😀"])


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"a": float("nan")}, "/a: is nan, which JSON does not have"),
        ({"a": Decimal("Infinity")}, "/a: is Infinity, which JSON does not have"),
        ({"a": Decimal("sNaN")}, "which JSON does not have"),
        ({1: 2}, "the document: has the key 1; make it a string"),
        ({"a": (1, 2)}, "/a: is a Python tuple"),
        ({"a": b"x"}, "/a: is a Python bytes"),
        ({"a": "\ud800"}, "/a: holds half of a surrogate pair"),
        ({"a": 10**5000}, "/a: has more than 1000 digits"),
    ],
)
def test_refuses_python_data_that_is_no_json(value: Json, fault: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        Document.of(value)
    assert fault in str(refused.value.faults[0])


def test_data_that_holds_itself_is_refused() -> None:
    value: list[Json] = []
    value.append(value)
    with pytest.raises(DefinitionError, match="nested deeper"):
        Document.of(value)
