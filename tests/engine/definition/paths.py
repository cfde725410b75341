"""Random paths, as a user might write them, for hypothesis."""

import json

from hypothesis import strategies as st

NAMES = st.sampled_from(
    ["a", "b", "items", "first-name", "size", "last", "true", "to", "exists", "_x", "é", "n1", "is"]
) | st.text(min_size=1, max_size=3).filter(lambda name: "\0" not in name).map(json.dumps)
PATTERNS = st.sampled_from(
    ["^a", "a|b", "[a-z]+", "(ab){1,3}?", "\\d+\\.", "", "[^x-]", "(?:a|)", "[]a]", "\\\\", "a{2}"]
) | st.text(alphabet="ab()[]{}|*+?^$.\\-,01dsw", max_size=8)
NUMBERS = st.sampled_from(["0", "1", "7", "2.5", "1e3", "12345678901234567890", "0.10"])
SPACE = st.sampled_from(["", "", " "])


def _roots(inside: bool) -> st.SearchStrategy[str]:
    return st.sampled_from(["$.input", "$.input", "@"] if inside else ["$.input"])


@st.composite
def _accessor(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.integers(0, 12))
    space = draw(SPACE)
    if kind <= 4:
        return f"{space}.{space}{draw(NAMES)}"
    if kind == 5:
        return draw(st.sampled_from([".*", ".**", ".**{2}", ".**{1 to last}", ".**{0 to 2}"]))
    if kind == 6:
        methods = ["type", "size", "double", "ceiling", "floor", "abs", "keyvalue", "datetime"]
        return f".{draw(st.sampled_from(methods))}()"
    if kind == 7:
        return draw(st.sampled_from(['.datetime("yyyy-mm-dd")', '.datetime("HH24:MI TZH")', "[*]"]))
    if kind <= 9 or depth == 0:
        return (
            f"[{draw(st.sampled_from(['0', 'last', '1 to 2', '0, last', 'last - 1', '-1', '*']))}]"
        )
    if kind == 10:
        return f"[{draw(_value(depth - 1, False))}]"
    return f"{space}?{space}({draw(_condition(depth - 1, True))})"


@st.composite
def _value(draw: st.DrawFn, depth: int, inside: bool) -> str:
    kind = draw(st.integers(0, 7)) if depth else 0
    if kind == 6:
        operator = draw(st.sampled_from([" + ", " - ", "*", " / ", "%"]))
        return f"{draw(_value(depth - 1, inside))}{operator}{draw(_value(depth - 1, inside))}"
    if kind == 7:
        sign = draw(st.sampled_from(["-", "+", ""]))
        return f"{sign}({draw(_value(depth - 1, inside))}){draw(_accessor(depth - 1))}"
    if kind == 5:
        return draw(NUMBERS | st.sampled_from(["true", "null", '"a"', '"\\u00e9\\n"']))
    accessors = draw(st.lists(_accessor(depth), max_size=3))
    return draw(_roots(inside)) + "".join(accessors)


@st.composite
def _condition(draw: st.DrawFn, depth: int, inside: bool) -> str:
    kind = draw(st.integers(0, 9))
    space = draw(SPACE)
    if depth == 0 or kind <= 4:
        mark = draw(st.sampled_from(["==", "!=", "<>", "<", "<=", ">", ">="]))
        left, right = draw(_value(depth, inside)), draw(_value(depth, inside))
        return f"{left}{space}{mark}{space}{right}"
    if kind == 5:
        mark = draw(st.sampled_from(["&&", "||"]))
        parts = st.tuples(*[_condition(depth - 1, inside)] * 2)
        return f"{space}{mark}{space}".join(draw(parts))
    if kind == 6:
        return f"!({draw(_condition(depth - 1, inside))})"
    if kind == 7:
        mark = draw(st.sampled_from(["", "!"]))
        return f"{mark}exists({draw(_value(depth - 1, inside))})"
    if kind == 8:
        return f"({draw(_condition(depth - 1, inside))}) is unknown"
    value = draw(_value(depth - 1, inside))
    if draw(st.booleans()):
        return f"{value} starts with {json.dumps(draw(st.text(max_size=2)))}"
    flag = draw(st.sampled_from(["", ' flag "i"', ' flag "q"', ' flag "smi"']))
    return f"{value} like_regex {json.dumps(draw(PATTERNS))}{flag}"


EXPRESSIONS = _value(2, False) | _condition(2, False)
"""Texts that are paths, most of them right."""
