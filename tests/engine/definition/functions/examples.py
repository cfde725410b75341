"""What each function gives of which arguments, or why it fails: one table."""

from dataclasses import dataclass
from decimal import Decimal

from onceflow.engine.json_text import Json


@dataclass(frozen=True)
class Fails:
    """An evaluation that fails, with these words in its message."""

    message: str


INPUT: Json = {
    "name": "Ana Gęś",
    "empty": "",
    "csv": "tea,ale,,rye",
    "note": None,
    "paid": True,
    "price": Decimal("18.005"),
    "numbers": [3, Decimal("1.50"), 2, 3],
    "words": ["b", "ą", "a"],
    "mixed": [1, "a"],
    "nested": [[1, 2], 3, [[4]], []],
    "none": [],
    "lines": [
        {"sku": "tea", "price": 18, "n": 2, "tags": ["hot"]},
        {"sku": "ale", "price": Decimal("14.50"), "n": 1},
    ],
    "address": {"town": "Łódź", "zip": "90-001"},
    "json": '{"a": [1.10, null]}',
    "at": "2026-11-26T23:30:00+01:00",
    "summer": "2026-07-01T12:00:00.5Z",
}

EXAMPLES: dict[str, list[tuple[str, Json | Fails]]] = {
    "default": [
        ("$.input.note | default(1)", 1),
        ("${ default($.input.gone, $.input.name) }", "Ana Gęś"),
        ("${ default($.input.gone, now()) }", "2026-11-26T12:00:00.000000Z"),
        ('$.input.gone | replace("a", "b") | default("x")', "x"),
        ('$.input.name | replace($.input.gone, "b") | default("x")', "x"),
        ("$.input.gone | default($.input.gone)", Fails("$.input.gone: JSON object")),
    ],
    "if": [
        ('$.input.price > 10 | if("dear", "cheap")', "dear"),
        ("${ if($.input.paid, $.input.price, $.input.gone) }", Decimal("18.005")),
        ("${ if($.input.price < 1, $.input.gone) }", None),
        ("${ if($.input.name, 1, 2) }", Fails("this takes boolean, and was given string")),
        ("${ if($.input.paid, $.input.gone, 2) }", Fails("$.input.gone: ")),
        ("${ if($.input.note, 1, 2) | default(3) }", 3),
    ],
    "upper": [
        ("$.input.name | upper", "ANA GĘŚ"),
        ("$.input.price | upper", Fails("this takes string, and was given number")),
    ],
    "lower": [
        ("$.input.name | lower", "ana gęś"),
        ("$.input.none | lower", Fails("this takes string, and was given array")),
    ],
    "trim": [
        ('${ concat(" ", $.input.csv, "\\n") | trim }', "tea,ale,,rye"),
        ("$.input.note | trim", Fails("this takes string, and was given null")),
    ],
    "length": [
        ("$.input.name | length", 7),
        ("${ length($.input.lines) > 1 && length($.input.none) == 0 }", True),
        ("${ length($.input.lines) * 2 + $.input.numbers[0] }", 7),
        ("$.input.paid | length", Fails("this takes string or array or object")),
    ],
    "split": [
        ('$.input.csv | split(",")', ["tea", "ale", "", "rye"]),
        ('$.input.empty | split(",")', [""]),
        ('$.input.csv | split(", ")', ["tea,ale,,rye"]),
        ("$.input.csv | split($.input.empty)", Fails("the text that is looked for is empty")),
        (
            "$.input.csv | split($.input.price)",
            Fails("an argument of split is string, and was given"),
        ),
    ],
    "replace": [
        ('$.input.csv | replace(",", "; ")', "tea; ale; ; rye"),
        ('$.input.csv | replace(".", "!")', "tea,ale,,rye"),
        (
            '$.input.csv | replace($.input.empty, "x")',
            Fails("the text that is looked for is empty"),
        ),
    ],
    "concat": [
        (
            '${ concat($.input.name, ": ", $.input.price, " ", $.input.paid) }',
            "Ana Gęś: 18.005 true",
        ),
        ("$.input.numbers | concat([4], $.input.none)", [3, Decimal("1.50"), 2, 3, 4]),
        (
            "${ concat($.input.name, $.input.none) }",
            Fails("an argument of concat is string or number"),
        ),
        ("${ concat($.input.name, $.input.note) }", Fails("and was given null")),
    ],
    "contains": [
        ('$.input.csv | contains("ale")', True),
        ('$.input.words | contains("c")', False),
        ("$.input.numbers | contains(1.5)", True),
        ('$.input.address | contains("zip")', True),
        ("$.input.csv | contains($.input.price)", Fails("an argument of contains is string")),
        ("$.input.price | contains(1)", Fails("this takes string or array or object")),
    ],
    "slice": [
        ("$.input.name | slice(4)", "Gęś"),
        ("$.input.name | slice(0, 3)", "Ana"),
        ("$.input.words | slice(-2)", ["ą", "a"]),
        ("$.input.words | slice(1, -1)", ["ą"]),
        ("$.input.words | slice(2, 1)", []),
        ("$.input.words | slice(-1000000000000, 1000000000000)", ["b", "ą", "a"]),
        ("$.input.words | slice($.input.price)", Fails("an index is a whole number")),
    ],
    "base64": [
        ("$.input.name | base64", "QW5hIEfEmcWb"),
        ("$.input.paid | base64", Fails("this takes string")),
    ],
    "unbase64": [
        ("$.input.name | base64 | unbase64", "Ana Gęś"),
        ("$.input.name | unbase64", Fails("$.input.name | unbase64: invalid symbol")),
        ('${ unbase64("/w==") }', Fails("invalid byte sequence")),
    ],
    "sha256": [
        (
            '${ sha256("abc") }',
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        ("$.input.lines | sha256", Fails("this takes string")),
    ],
    "string": [
        ("$.input.price | string", "18.005"),
        ("$.input.lines | string", Fails("this takes string or number or boolean")),
    ],
    "number": [
        ('${ number("-1.50e2") }', -150),
        ("$.input.name | number", Fails("does not spell a number")),
        ('${ number("1e1000") }', Fails("does not spell a number")),
    ],
    "json": [
        ("$.input.lines[0].tags | json", '["hot"]'),
        ("$.input.gone | json", Fails("$.input.gone: ")),
    ],
    "from_json": [
        ("$.input.json | from_json", {"a": [Decimal("1.10"), None]}),
        ("$.input.json | from_json | json | from_json | keys", ["a"]),
        (
            "$.input.csv | from_json",
            Fails("$.input.csv | from_json: invalid input syntax for type json"),
        ),
        ('${ from_json("1e1000") }', Fails("is a number of more than 1000 digits")),
    ],
    "join": [
        ('$.input.numbers | join("; ")', "3; 1.50; 2; 3"),
        ('$.input.none | join(",")', ""),
        ('$.input.lines | join(",")', Fails("a text takes string, number or boolean")),
    ],
    "first": [
        ("$.input.words | first", "b"),
        ("$.input.none | first", Fails("there is no item")),
    ],
    "last": [
        ("$.input.words | last", "a"),
        ("$.input.none | last | default(0)", 0),
        ("$.input.name | last", Fails("this takes array")),
    ],
    "count": [
        ("$.input.numbers | count", 4),
        ("$.input.numbers | count(3.0)", 2),
        ("$.input.name | count", Fails("this takes array")),
    ],
    "sum": [
        ("$.input.numbers | sum", Decimal("9.50")),
        ("$.input.none | sum", 0),
        (
            "$.input.mixed | sum",
            Fails("this takes an array of numbers, and one item is of type string"),
        ),
    ],
    "avg": [
        ("$.input.numbers | avg", Decimal("2.375")),
        ("${ avg([1, 2, 2]) | round(3) }", Decimal("1.667")),
        ("$.input.none | avg", Fails("there is no item")),
        ("$.input.words | avg", Fails("this takes an array of numbers")),
    ],
    "min": [
        ("$.input.numbers | min", Decimal("1.50")),
        ("$.input.words | min", "a"),
        ("${ min($.input.price, 20) }", Decimal("18.005")),
        ("$.input.none | min", Fails("there is no item")),
        (
            "$.input.mixed | min",
            Fails("this takes an array of numbers or of strings, and one item"),
        ),
        (
            "${ min($.input.price, $.input.name) }",
            Fails("one item is of type string, the first of number"),
        ),
    ],
    "max": [
        ("${ max($.input.numbers) }", 3),
        ("${ max($.input.price, 20, 7) }", 20),
        ("$.input.words | max", "ą"),
        ("$.input.numbers | max(3)", Fails("it takes one array, or numbers, or strings")),
    ],
    "round": [
        ("$.input.price | round(2)", Decimal("18.01")),
        ("$.input.price | round", 18),
        ("$.input.price | round(-1)", Fails("a whole number from 0 to 100")),
        ("$.input.name | round", Fails("this takes number")),
    ],
    "range": [
        ("${ range(3) }", [0, 1, 2]),
        ("${ range(2, 5) }", [2, 3, 4]),
        ("${ range(10, 0, -4) }", [10, 6, 2]),
        ("${ range(0) }", []),
        ("$.input.lines | length | range", [0, 1]),
        ("${ range(1, 5, 0) }", Fails("no step of 0")),
        ("$.input.price | range", Fails("it takes whole numbers")),
    ],
    "sort": [
        ("$.input.numbers | sort", [Decimal("1.50"), 2, 3, 3]),
        ("$.input.words | sort", ["a", "b", "ą"]),
        ("$.input.lines | sort(@.price) | each(@.sku)", ["ale", "tea"]),
        ("$.input.lines | sort(@.price * @.n) | last | keys", ["n", "price", "sku", "tags"]),
        ("$.input.none | sort", []),
        ("$.input.mixed | sort", Fails("one item is of type string, the first of number")),
        ("$.input.lines | sort", Fails("and one item is of type object")),
        ("$.input.lines | sort(@.tags | default(1))", Fails("one item is of type array")),
    ],
    "reverse": [
        ("$.input.words | reverse", ["a", "ą", "b"]),
        ("$.input.name | reverse", Fails("this takes array")),
    ],
    "unique": [
        ("$.input.numbers | unique", [3, Decimal("1.50"), 2]),
        ('${ unique([{"a": 1.0}, 2, {"a": 1}]) }', [{"a": Decimal("1.0")}, 2]),
        ("$.input.address | unique", Fails("this takes array")),
    ],
    "flatten": [
        ("$.input.nested | flatten", [1, 2, 3, [4]]),
        ("$.input.none | flatten", []),
        ("$.input.name | flatten", Fails("this takes array")),
    ],
    "zip": [
        ("${ zip([1, 2], $.input.lines[*].sku) }", [[1, "tea"], [2, "ale"]]),
        ("${ zip($.input.none, []) }", []),
        ("${ zip([1], $.input.words) }", Fails("the arrays are of different lengths")),
        ("${ zip([1], $.input.name) }", Fails("an argument of zip is array")),
    ],
    "each": [
        ("$.input.numbers | each(@ * 2)", [6, Decimal("3.00"), 4, 6]),
        ("$.input.lines | each(@.sku | upper)", ["TEA", "ALE"]),
        (
            '$.input.lines | each({"sku": @.sku, "of": $.input.name, "sum": [@.price * @.n]})',
            [
                {"sku": "tea", "of": "Ana Gęś", "sum": [36]},
                {"sku": "ale", "of": "Ana Gęś", "sum": [Decimal("14.50")]},
            ],
        ),
        ("$.input.lines | each(@.tags | default([]) | each(@ | upper))", [["HOT"], []]),
        ("${ each(range(2), $.input.words[0]) }", ["b", "b"]),
        ("$.input.lines | each(@.price > $.input.price)", [False, False]),
        ('$.input.lines | each(@.tags[*] ? (@ == "hot") | count | default(0))', [1, 0]),
        ("$.input.none | each(@.gone)", []),
        ("$.input.lines | each(@.tags)", Fails("@.tags: JSON object does not contain key")),
        (
            "$.input.lines | each(@.tags) | default(1)",
            Fails("@.tags: JSON object does not contain"),
        ),
        ("$.input.name | each(@)", Fails("this takes array, and was given string")),
    ],
    "filter": [
        ("$.input.numbers | filter(@ >= 2)", [3, 2, 3]),
        ('$.input.lines | filter(contains(@.sku, "al")) | each(@.n)', [1]),
        ("$.input.lines | filter(length(@.sku) == @.n + 1) | count", 1),
        ("$.input.lines | filter(exists(@.tags) | default(false)) | count", 1),
        ("$.input.numbers | filter(@ > 100)", []),
        (
            "$.input.lines | filter(@.n)",
            Fails("a condition gives true or false, and this gives number"),
        ),
        (
            "$.input.lines | filter(@.tags[*] == 1)",
            Fails("@.tags[*] == 1: a part of it finds nothing"),
        ),
    ],
    "keys": [
        ("$.input.address | keys", ["town", "zip"]),
        ("$.input.lines | keys", Fails("this takes object")),
    ],
    "entries": [
        (
            "$.input.address | entries",
            [{"key": "town", "value": "Łódź"}, {"key": "zip", "value": "90-001"}],
        ),
        ("${ entries({}) }", []),
        ("$.input.lines | entries", Fails("this takes object")),
    ],
    "merge": [
        (
            '$.input.address | merge({"zip": $.input.note, "n": 1})',
            {"town": "Łódź", "zip": None, "n": 1},
        ),
        ('$.input.lines | each({"n": @.n}) | merge', {"n": 1}),
        ("$.input.none | merge", {}),
        ("${ merge($.input.address, $.input.name) }", Fails("an argument of merge is object")),
        ("$.input.mixed | merge", Fails("this takes an array of objects")),
        ("$.input.lines | merge({})", Fails("it takes one array of objects, or objects")),
    ],
    "format_time": [
        ('$.input.at | format_time("%d.%m.%Y %H:%M:%S %z")', "26.11.2026 22:30:00 +00:00"),
        ('$.input.at | format_time("%Y-%m-%dT%H:%M%z", "Europe/Warsaw")', "2026-11-26T23:30+01:00"),
        ('$.input.summer | format_time("%z %f", "America/St_Johns")', "-02:30 500000"),
        (
            '$.input.at | format_time("%a %A, %b %B: %j %u %G-W%V 100%%")',
            "Thu Thursday, Nov November: 330 4 2026-W48 100%",
        ),
        ('$.input.summer | format_time("%s")', "1782907200"),
        (
            '$.input.name | format_time("%Y")',
            Fails("a time is a text such as 2026-11-26T08:00:00Z"),
        ),
        (
            '$.input.at | format_time($.input.name, "Europe/Nowhere")',
            Fails("there is no such time zone"),
        ),
        ('$.input.at | format_time(concat("%", "q"))', Fails("%q is unknown in a pattern")),
    ],
    "parse_time": [
        ("$.input.at | parse_time", "2026-11-26T22:30:00.000000Z"),
        ('${ parse_time("2026-11-26") }', "2026-11-26T00:00:00.000000Z"),
        ("${ parse_time(1782907200.5) }", "2026-07-01T12:00:00.500000Z"),
        (
            '${ parse_time("1.7.2026 8:05", "%d.%m.%Y %H:%M", "Europe/Warsaw") }',
            "2026-07-01T06:05:00.000000Z",
        ),
        (
            '${ parse_time("2026/11 10:00:00.25 -0230", "%Y/%m %H:%M:%S.%f %z") }',
            "2026-11-01T12:30:00.250000Z",
        ),
        (
            '${ parse_time("1782907200 (s)", "%Y (s)") }',
            Fails("the text is no time of this pattern"),
        ),
        ('${ parse_time("30.2.2026", "%d.%m.%Y") }', Fails("the text is no time of this pattern")),
        ('${ parse_time("2026-02-30T00:00:00Z") }', Fails("a time is a text such as")),
        ("${ parse_time(1e99) }", Fails("there is no time of four digits")),
    ],
    "add_time": [
        ('$.input.at | add_time("1h30m")', "2026-11-27T00:00:00.000000Z"),
        ('$.input.at | add_time("-2d")', "2026-11-24T22:30:00.000000Z"),
        ('$.input.at | add_time("PT5M0.5S")', "2026-11-26T22:35:00.500000Z"),
        ('${ add_time("2024-01-31T00:00:00Z", "P1M") }', "2024-02-29T00:00:00.000000Z"),
        ("$.input.at | add_time(-0.25)", "2026-11-26T22:29:59.750000Z"),
        ('${ add_time(now(), "1.5h") }', "2026-11-26T13:30:00.000000Z"),
        ("$.input.at | add_time($.input.name)", Fails("a duration is a text such as")),
        ('${ add_time("9999-12-31T23:59:59Z", 1) }', Fails("a duration is a text such as")),
    ],
    "now": [
        ("${ now() }", "2026-11-26T12:00:00.000000Z"),
        ('${ now() | format_time("%Y") }', "2026"),
        ("${ now() > $.input.at }", False),
    ],
    "uuid": [
        ("${ uuid() }", "85af6077-5a2a-880e-84c7-1778bfc7d4c1"),
        ("${ range(2) | each(uuid()) | unique | count }", 2),
    ],
}
