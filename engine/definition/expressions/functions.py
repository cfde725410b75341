"""The functions of expressions. What is in sql/core/functions/ carries them out.

A function stands behind a pipe, ``value | split(",")``, or is called, ``split(value, ",")``.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...json_text import Json
from ..common.mends import one_of

ANY = ("null", "boolean", "number", "string", "array", "object")
TEXT = ("string", "number", "boolean")
MOST_ARGUMENTS = 20
"""Of a function that takes any number of them."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function: what it takes, and what it makes of its value.

    ``form`` is how it is written behind a pipe, or as a call where it has no value (``of`` is
    empty). It takes from ``least`` to ``most`` arguments of the kinds ``takes``. ``each``: its
    argument is an expression that is evaluated for each item, which it sees as ``@``.
    """

    form: str
    of: Sequence[str]
    meaning: str
    takes: Sequence[str] = ()
    least: int = 0
    most: int = 0
    each: bool = False
    literal_fault: Callable[[int, Json], str | None] = lambda n, value: None

    def argument_fault(self, number: int, argument: Json) -> str | None:
        """Return what is wrong with an argument written as a literal, or None."""
        if kind_of(argument) not in self.takes:
            wanted = one_of([_ARTICLES[kind] for kind in self.takes])
            return f"needs {wanted} as its {_argument(number, self.most)}"
        return self.literal_fault(number, argument)

    @property
    def count(self) -> str:
        """How many arguments it takes, in words."""
        if self.most == 0:
            return "no argument"
        if self.least == self.most:
            return f"{_NUMBERS[self.most]} argument{'s' if self.most > 1 else ''}"
        if self.most == MOST_ARGUMENTS:
            return f"at least {_NUMBERS[self.least]} and at most {self.most} arguments"
        between = "or" if self.most - self.least == 1 else "to"
        return f"{_NUMBERS[self.least]} {between} {_NUMBERS[self.most]} arguments"


_NUMBERS = ("no", "one", "two", "three")
_ARTICLES = {
    "null": "null",
    "boolean": "true or false",
    "number": "a number",
    "string": "a string",
    "array": "an array",
    "object": "an object",
}


def _argument(number: int, most: int) -> str:
    return "argument" if most == 1 else f"{('first', 'second', 'third')[min(number, 2)]} argument"


def kind_of(value: Json) -> str:
    """Return the kind of a JSON value, by the name that Postgres gives it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "number"


_UNITS = r"(\d{1,9}(\.\d{1,6})?%s)?"
DURATION = (
    "^-?((?=.)" + "".join(_UNITS % unit for unit in ("d", "h", "m", "s", "ms")) + "|"
    r"P(?=.)(\d{1,4}Y)?(\d{1,5}M)?(\d{1,5}W)?(\d{1,7}D)?"
    r"(T(?=.)(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}(\.\d{1,6})?S)?)?)$"
)
"""As onceflow.time_function has it."""
FORMAT_CODES, PARSE_CODES = "YmdHMSfzaAbBjuVGs%", "YmdHMSfz%"
"""The letters behind % in the patterns of format_time and parse_time."""
ZONE = "^(UTC|Etc/[A-Za-z0-9+-]+|[A-Za-z]+(/[A-Za-z_-]+){1,2})$"


def _not_empty(number: int, value: Json) -> str | None:
    return "needs a string that is not empty to look for" if number == 0 and value == "" else None


def _time_fault(codes: str) -> Callable[[int, Json], str | None]:
    def fault(number: int, value: Json) -> str | None:
        text = str(value)
        if number == 1:
            if re.fullmatch(ZONE, text):
                return None
            return "needs the name of a time zone, such as Europe/Warsaw or UTC"
        letters = re.findall("%(.|$)", text, re.DOTALL)
        if "" in letters:
            return "has a pattern that ends in %; write %% for a percent sign"
        if unknown := [f"%{letter}" for letter in letters if letter not in codes]:
            known = " ".join(f"%{code}" for code in codes)
            return f"does not know {unknown[0]} in a pattern; it knows {known}"
        if codes is PARSE_CODES and "%Y" not in text:
            return "has a pattern without a year; write %Y in it"
        return None

    return fault


def _duration_fault(number: int, value: Json) -> str | None:
    if not isinstance(value, str) or (value and re.fullmatch(DURATION, value, re.ASCII)):
        return None
    return 'needs a duration such as "5m", "-1h30m" or "P1M", or a number of seconds'


FUNCTIONS: dict[str, Function] = {
    "default": Function(
        "default(x)", ANY, "the value, or x where the path finds nothing or null", ANY, 1, 1
    ),
    "if": Function(
        "if(x, y)", ("boolean",), "x where the value is true, else y, or null", ANY, 1, 2
    ),
    "upper": Function("upper", ("string",), "a string in upper case"),
    "lower": Function("lower", ("string",), "a string in lower case"),
    "trim": Function("trim", ("string",), "a string without white space at both ends"),
    "length": Function(
        "length",
        ("string", "array", "object"),
        "the characters of a string, items of an array, members of an object",
    ),
    "split": Function(
        "split(x)",
        ("string",),
        "the parts of a string between any two x",
        ("string",),
        1,
        1,
        literal_fault=_not_empty,
    ),
    "replace": Function(
        "replace(x, y)",
        ("string",),
        "a string with y for every x in it",
        ("string",),
        2,
        2,
        literal_fault=_not_empty,
    ),
    "concat": Function(
        "concat(x, …)",
        (*TEXT, "array"),
        "texts put together, or arrays",
        (*TEXT, "array"),
        1,
        MOST_ARGUMENTS,
    ),
    "contains": Function(
        "contains(x)",
        ("string", "array", "object"),
        "whether a string has x in it, an array the item, an object the key",
        ANY,
        1,
        1,
    ),
    "slice": Function(
        "slice(m, n)",
        ("string", "array"),
        "the characters or items from m on, up to but without n",
        ("number",),
        1,
        2,
    ),
    "base64": Function("base64", ("string",), "a string's UTF-8 in Base64"),
    "unbase64": Function("unbase64", ("string",), "the string whose UTF-8 is in Base64 there"),
    "sha256": Function("sha256", ("string",), "the SHA-256 of a string's UTF-8, in hex"),
    "string": Function("string", TEXT, "a string as it is; a number or a boolean as JSON text"),
    "number": Function(
        "number", ("string", "number"), "a number as it is; a string as the number that it spells"
    ),
    "json": Function("json", ANY, "any value as JSON text"),
    "from_json": Function("from_json", ("string",), "the value of which a string is the JSON text"),
    "join": Function(
        "join(x)",
        ("array",),
        "an array's strings, numbers and booleans as one string",
        TEXT,
        1,
        1,
    ),
    "first": Function("first", ("array",), "the first item of an array that has one"),
    "last": Function("last", ("array",), "the last item of an array that has one"),
    "count": Function(
        "count(x)", ("array",), "how many items an array has; how many equal x", ANY, 0, 1
    ),
    "sum": Function("sum", ("array",), "the sum of an array of numbers, exactly; 0 for none"),
    "avg": Function("avg", ("array",), "the mean of an array of numbers"),
    **{
        name: Function(
            f"{name}(x, …)",
            ("array", "number", "string"),
            f"the {which} of an array's numbers or strings, or of the values given",
            ("number", "string"),
            0,
            MOST_ARGUMENTS,
        )
        for name, which in {"min": "least", "max": "greatest"}.items()
    },
    "round": Function(
        "round(n)", ("number",), "a number to n digits behind the point", ("number",), 0, 1
    ),
    "range": Function(
        "range(m, n)",
        ("number",),
        "whole numbers from 0 up to but without the value; from it to m; in steps of n",
        ("number",),
        0,
        2,
    ),
    "sort": Function(
        "sort(@…)",
        ("array",),
        "numbers or strings in order; items by what the expression gives of each",
        ANY,
        0,
        1,
        each=True,
    ),
    "reverse": Function("reverse", ("array",), "an array from its end"),
    "unique": Function("unique", ("array",), "an array without what stood before in it"),
    "flatten": Function("flatten", ("array",), "an array with the items of the arrays in it"),
    "zip": Function(
        "zip(x, …)",
        ("array",),
        "arrays of one length as one: the first items, the second …",
        ("array",),
        1,
        MOST_ARGUMENTS,
    ),
    "each": Function(
        "each(@…)", ("array",), "what the expression gives of each item", ANY, 1, 1, each=True
    ),
    "filter": Function(
        "filter(@…)",
        ("array",),
        "the items of which the condition is true",
        ANY,
        1,
        1,
        each=True,
    ),
    "keys": Function("keys", ("object",), "an object's keys as an array, in order"),
    "entries": Function("entries", ("object",), "an object's members as {key, value}, in order"),
    "merge": Function(
        "merge(x, …)",
        ("object", "array"),
        "objects as one, or those of an array; of one key the last counts",
        ("object",),
        0,
        MOST_ARGUMENTS,
    ),
    "format_time": Function(
        "format_time(pattern, zone)",
        ("string",),
        "a time as text",
        ("string",),
        1,
        2,
        literal_fault=_time_fault(FORMAT_CODES),
    ),
    "parse_time": Function(
        "parse_time(pattern, zone)",
        ("string", "number"),
        "the time that a text or a number of seconds since 1970 tells, in UTC",
        ("string",),
        0,
        2,
        literal_fault=_time_fault(PARSE_CODES),
    ),
    "add_time": Function(
        "add_time(x)",
        ("string",),
        "a time later by a duration",
        ("string", "number"),
        1,
        1,
        literal_fault=_duration_fault,
    ),
    "now": Function("now()", (), "the time, the same throughout a transition"),
    "uuid": Function("uuid()", (), "an id, the same in every attempt"),
}
