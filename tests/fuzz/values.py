"""What strangers send as JSON: long, deep, strange, and what a parser does not take at all.

Values are drawn as text, since no Python value is 1e131072, half a surrogate pair or a key twice.
"""

import json

from hypothesis import strategies as st

NUMBERS = st.sampled_from(
    [
        *("0", "-1", "-0", "-0.0", "1.0", "9007199254740993", "9223372036854775808"),
        *("1e400", "1e131071", "1e131072", "-1e131072", "1e-16383", "1e-16384", "1e-131072"),
        *("1E+309", "2.5e-324", "1e999999999", "1e-999999999", "1e99999999999999999999"),
        *("01", "1.", ".5", "+1", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "1e", "-"),
    ]
)


def repeated(begin: str, text: str, count: int, end: str) -> str:
    return begin + text * count + end


DIGITS = st.builds(
    repeated,
    st.sampled_from(["", "-", "0.", "1e", "-0."]),
    st.sampled_from(["9", "0", "1"]),
    st.sampled_from([40, 400, 5_000, 17_000, 140_000]),
    st.sampled_from(["", "1", ".1", "e-5000"]),
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(repr)

DATES = [
    *("2024-02-29", "2023-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01"),
    *("2024-12-31T23:59:60Z", "2024-01-01T24:00:00Z", "2024-06-30T23:59:59.999999999+14:00"),
    *("2024-03-31T02:30:00+02:00", "-4713-11-24T00:00:00Z", "294277-01-01T00:00:00Z"),
    *("infinity", "epoch", "now", "P1Y2M3DT4H5M6S", "PT1e9S", "2024-W53-7", "２０２４-０１-０１"),
]
NAMES = [
    *("00000000-0000-7000-8000-000000000000", "{00000000-0000-7000-8000-000000000000}"),
    *("a@b", "a@[127.0.0.1]", "http://[::1", "postgresql://u:secret@h/d", "../../etc/passwd"),
]
SYNTAX = [
    *("$.input", "${ $.input.a }", "$$", "${", "}", "$.steps.a.output[*]", "{{ a }}", "%s%n%(a)s"),
    *("'; drop table x; --", "\\", '"', "<script>", "=?utf-8?q?=0d=0a?=", "\r\nX: y", "null"),
]
LETTERS = [
    *("", " ", "\0", "a\0b", "\x1b[31m", "\x7f\x85", "\u2028\u2029", "\ufeff", "\uffff"),
    *("\u202eabc\u202c", "\u2066x", "ä€𝄞", "👩‍👩‍👧‍👦", "e\u0301" * 50, "ﷺ" * 100, "İı", "ß" * 300),
    *("\t", "ａ", "\U0010ffff"),
]
LONG = st.builds(
    repeated,
    st.just(""),
    st.sampled_from(["a", "é", "\t", "\0", "$.", "👩", '"']),
    st.sampled_from([300, 5_000, 70_000, 300_000]),
    st.just(""),
)
WRITTEN = [
    *(r'"\ud800"', r'"\udc00\ud800"', r'"\ud834\udd1e"', r'"\u0000"', r'"\u00"', r'"\x41"'),
    *('"\ud800"', '"a\nb"', '"a\tb"', '"open', "'single'", r'"\/\b\f"', '"\x01"'),
]
"""Strings as they stand in a text: half pairs, escapes of control characters, no JSON at all."""
TEXTS = (
    st.sampled_from([*DATES, *NAMES, *SYNTAX, *LETTERS]).map(json.dumps)
    | st.sampled_from(LETTERS).map(lambda text: json.dumps(text, ensure_ascii=False))
    | st.sampled_from(WRITTEN)
    | (LONG | st.text(max_size=30)).map(json.dumps)
)
SCALARS = (
    NUMBERS
    | DIGITS
    | FLOATS
    | TEXTS
    | st.sampled_from(["null", "true", "false", "undefined", "", "nul"])
)

KEYS = st.sampled_from(
    [
        *("a", "a", "value", "value", "b", "id", "__proto__", "$ref", "a.b", "a/b~c", "*", "0"),
        *("", "$", "\0", "ä", "\ud800", "'", '"', "\\", "x" * 300, "x" * 60_000, "\u202e"),
    ]
)


def listed(items: list[str]) -> str:
    return f"[{','.join(items)}]"


def mapped(items: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in items) + "}"


def deep(depth: int, inner: str, opening: str, closing: str) -> str:
    return opening * depth + inner + closing * depth


def many(count: int, item: str) -> str:
    return listed([item] * (count if len(item) < 100 else 7))


def keyed(count: int, item: str) -> str:
    return mapped([(f"k{n}", item) for n in range(count if len(item) < 100 else 7)])


DEPTHS = st.sampled_from([5, 63, 64, 65, 600, 1_100, 6_000])
Texts = st.SearchStrategy[str]


def around(inner: Texts) -> Texts:
    """Return a strategy of arrays and objects."""
    return (
        st.lists(inner, max_size=4).map(listed)
        | st.lists(st.tuples(KEYS, inner), max_size=4).map(mapped)
        | st.builds(deep, DEPTHS, inner, st.just("["), st.just("]"))
        | st.builds(deep, DEPTHS, inner, st.just('{"a":'), st.just("}"))
        | st.builds(many, st.sampled_from([50, 1_000, 20_000]), inner)
        | st.builds(keyed, st.sampled_from([50, 5_000]), inner)
    )


VALUES: Texts = SCALARS | around(SCALARS) | around(SCALARS | around(SCALARS))
"""The text of a JSON value; not always one that a parser takes."""


def parsed(text: str) -> bool:
    """Tell whether a parser takes it (Python's takes more than others do)."""
    try:
        json.loads(text, parse_int=float, parse_constant=refuse)
        text.encode()
    except (ValueError, RecursionError):
        return False
    return True


def refuse(text: str) -> None:
    raise ValueError(text)


SOUND = VALUES.filter(parsed)
"""The text of a JSON value that most parsers take: what gets further in."""
LEAVES = st.sampled_from([*DATES, *NAMES, "1.5", "-0", ""]).map(json.dumps) | st.sampled_from(
    ["1", "-1", "1.0", "1e2", "9" * 30, "true", "null"]
)
MEMBERS = st.sampled_from(["id", "at", "day", "total", "lines", "kind", "x"])


def around_typed(inner: Texts) -> Texts:
    """Return a strategy of arrays, and of objects with the members of a type."""
    return st.lists(inner, max_size=3).map(listed) | st.lists(
        st.tuples(MEMBERS, inner), max_size=6
    ).map(mapped)


TYPED = LEAVES | around_typed(LEAVES) | around_typed(LEAVES | around_typed(LEAVES))
"""What nearly fits the types of a handler."""
