"""Definitions: sound ones, nearly sound ones, and texts of YAML that mean more than they say."""

import copy
import json
from typing import Any, cast

import yaml
from hypothesis import strategies as st

from .schemas import FITTING, SCHEMAS
from .values import KEYS, SOUND

Definition = dict[str, Any]

SOUND_PATHS = st.sampled_from(
    [
        *("$.input", "$.input.value", "$.input.a | default(null)", "$.input.**", "$.instance"),
        *("$.input.value[*] ? (@ > 1)", "$.input.value[0 to last]", "$.input.value.size()"),
        '$.input.value ? (@ like_regex "^a+$")',
        "$.input.value[*] ? (@ == $.input.value)",
        '$.input.** ? (@.type() == "number")',
        "$.input.value[*].a[*].b[*] | default([])",
        "$.input.value ? (@.a > 1 && !(@.b == 2) || exists (@.c))",
        *("$.input.value.datetime()", "$.input.value.double()", "$.input.value.keyvalue()"),
        *("$.input.value + $.input.value", "-$.input.value", "$.input.a", "$.input.value % 0"),
        *("${ $.input.value }", "${ $.input.value } and ${ $.input.a | default(1) }", "$$.x"),
        *(
            "$.steps.first.output",
            "$.steps.first.output.value",
            "$.steps.second.output | default(1)",
        ),
        '$.input.value ? (@ starts with "a")',
        "$.input" + ".a" * 20 + " | default(1)",
    ]
)
ODD_PATHS = st.sampled_from(
    [
        *("$.input.value | upper", "$.input.value | length", "$.input.value | join(',')"),
        *("$.steps.none.output", "$.", "$.input[", "${", "$.input.value | nothing", "$" * 200),
        '$.input.value ? (@ like_regex "(a+)+$")',
        '$."' + "a" * 2_000 + '"',
        "$.input" + ".a" * 5_000,
        "$.input.value[*] ? (exists (@ ? (@ == $.input.value[*])))",
        *("$.input.** ? (@ == $.input.**)", "$.input.value * 1e300"),
        "$.input.value ? (" + "(" * 200 + "@ > 1" + ")" * 200 + ")",
        "$.input.value[*] ? (@ like_regex " + '"' + "(a|aa)+" * 200 + '")',
    ]
)


@st.composite
def paths(draw: st.DrawFn, step: int = 9) -> Any:
    """Draw what of the input and of steps before the ``step``-th is given on."""
    if draw(st.integers(0, 19)) == 0:
        return draw(ODD_PATHS)
    path = draw(SOUND_PATHS)
    named = ("first", "second", "third").index(path.split(".")[2]) if ".steps." in path else -1
    return path if named < step or draw(st.integers(0, 19)) == 0 else "$.input.value"


HANDLERS = st.sampled_from(
    [
        *("fuzz.echo", "fuzz.echo", "fuzz.echo_async", "fuzz.grow", "fuzz.keep", "fuzz.fail"),
        *("fuzz.typed", "nobody.has.it", "sql.execute", "kafka.publish", "http.request"),
    ]
)
TOPICS = ["fuzz", "", "x" * 249, "x" * 250, "x" * 600, ".", "ä", "a/b", "__consumer_offsets", "\n"]
DURATIONS: list[Any] = [
    "10ms",
    "1s",
    "0s",
    "-1s",
    "1e9d",
    "1h30m",
    "P1D",
    "",
    "99999999999999999999s",
    1.5,
]


@st.composite
def inputs_of_steps(draw: st.DrawFn, handler: str, step: int) -> Any:
    """Draw what the ``step``-th step gives its task."""
    value = draw(paths(step))
    if draw(st.integers(0, 9)) == 0:
        return value
    if handler == "sql.execute":
        return {"statement": "kept", "parameters": {"value": [value], "text": value}}
    if handler == "kafka.publish":
        topic, key = draw(st.sampled_from(TOPICS)), draw(st.sampled_from([None, value, "k"]))
        return {"topic": topic, "value": value, "key": key, "headers": {"h": "${ $.input.a }"}}
    if handler == "http.request":
        return {"url": value, "timeout": 1, "method": draw(st.sampled_from(["GET", "POST", value]))}
    return {"value": value}


@st.composite
def sound(draw: st.DrawFn) -> Definition:
    """Draw a definition of which most can be deployed, and many even run."""
    steps: list[Definition] = []
    side_by_side = draw(st.integers(0, 4)) == 0
    for n, name in enumerate(draw(st.sampled_from([["first"], ["first", "second", "third"]]))):
        handler = draw(HANDLERS)
        retry = {"attempts": draw(st.sampled_from([1, 1, 2])), "backoff": "10ms", "factor": 1}
        step: Definition = {
            "id": name,
            "task": handler,
            "with": draw(inputs_of_steps(handler, n)),
            "retry": retry,
            "on_failure": draw(st.sampled_from(["fail", "compensate", "suspend"])),
        }
        for key, often, values in (
            ("when", 4, st.sampled_from(["$.input.a == 1", "$.input.value", True, False])),
            ("timeout", 4, st.sampled_from(["1s", "100ms"] * 10 + DURATIONS)),
            ("queue", 20, st.sampled_from(["default", "", "x" * 300, "Ä", "a b"])),
        ):
            if draw(st.integers(0, often)) == 0:
                step[key] = draw(values)
        if side_by_side and n:
            step["needs"] = draw(st.sampled_from([[], ["first"], ["first"], [name], ["third"]]))
        if draw(st.integers(0, 2)) == 0:
            undo = draw(st.sampled_from(["fuzz.echo", "fuzz.fail", "fuzz.keep"]))
            step["compensate"] = {
                "task": undo,
                "with": {"value": draw(st.sampled_from(["$.output", "$.key", "$.task_input.x"]))},
                "retry": retry,
            }
        steps.append(step)
    definition: Definition = {"name": draw(st.sampled_from(["w", "x.y"])), "steps": steps}
    if draw(st.booleans()):
        definition["input"] = draw(FITTING if draw(st.booleans()) else SCHEMAS)
    if draw(st.booleans()):
        definition["output"] = draw(st.sampled_from([draw(paths()), {"a": [draw(paths())]}]))
    if draw(st.integers(0, 5)) == 0:
        definition["deadline"] = draw(st.sampled_from(["1s", "1h"] * 10 + DURATIONS))
    return definition


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the place of everything in a document."""
    found = [path]
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for n, inner in enumerate(cast("list[Any]", value)):
            found += places(inner, (*path, n))
    return found


@st.composite
def nearly(draw: st.DrawFn) -> str:
    """Draw the JSON of a sound definition with one thing in it replaced, renamed or left out."""
    definition = copy.deepcopy(draw(sound()))  # parts of it are everybody's
    place = draw(st.sampled_from(places(definition)[1:]))
    within: Any = definition
    for part in place[:-1]:
        within = within[part]
    value = draw(SOUND)
    match draw(st.sampled_from(["replace", "rename", "leave out", "add", "twice"])):
        case "rename" if isinstance(within, dict):
            members = cast("Definition", within)
            members[draw(KEYS)] = members.pop(place[-1])
        case "leave out":
            del within[place[-1]]
        case "add" if isinstance(within, dict):
            within[draw(KEYS)] = "MUTATED"
        case "twice" if isinstance(within, dict):
            text = json.dumps(within[place[-1]])
            within["TWICE"] = within[place[-1]]
            return json.dumps(definition).replace('"TWICE"', json.dumps(place[-1])) or text
        case _:
            within[place[-1]] = "MUTATED"
    return json.dumps(definition).replace('"MUTATED"', value)


def laughs(levels: int, width: int) -> str:
    """Return a small YAML text that stands for width ** levels values."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


PLAIN = "name: w\nsteps:\n  - {id: first, task: fuzz.echo, with: {value: $.input.value}}\n"
YAML_TRICKS = [
    laughs(9, 9),
    laughs(60, 2),
    PLAIN + "input: &a {properties: {a: *a}}\n",
    PLAIN + "input: &a {properties: &b {a: {}, b: &c [1]}, x: *b, y: *c}\n",
    PLAIN + "input: {<<: &m {type: object}, <<: *m}\n",
    PLAIN + "input: !!python/object/apply:os.system [ls]\n",
    PLAIN + "input: !<tag:yaml.org,2002:set> {a, b}\n",
    PLAIN + "input: !!binary R0lGODlhDAAMAIQAAP\n",
    PLAIN + "input: !!timestamp 2001-12-14\n",
    PLAIN + "input: {? [a, b] : c}\n",
    PLAIN + "input: {? {a: b} : c}\n",
    PLAIN + "? |\n  block key\n: - one\n",
    PLAIN + "description: 0b1010\ninput: {a: 0o17, b: 1:30:00, c: .inf, d: 1_000, e: 010}\n",
    PLAIN + "input: {minimum: 1e400, maximum: " + "9" * 2_000 + "}\n",
    PLAIN + "on: yes\n",
    PLAIN + "\tinput: {}\n",
    PLAIN + "name: w\n",
    PLAIN.replace("\n", "\r\n"),
    PLAIN.replace("\n", "\r"),
    PLAIN.replace("\n", "\x85"),
    "\ufeff" + PLAIN,
    PLAIN + "\ufeff",
    "%YAML 1.1\n---\n" + PLAIN,
    "%TAG ! tag:x,2000:\n---\n" + PLAIN,
    "%YAML 9.9\n---\n" + PLAIN,
    PLAIN + "---\n" + PLAIN,
    PLAIN + "...\nrest",
    "--- |\n" + PLAIN,
    "# " + "x" * 100_000 + "\n" + PLAIN,
    "[" * 5_000,
    "{a: " * 500 + "}" * 500,
    "- " * 2_000,
    "? " * 2_000,
    "&a " * 100 + "x",
    "*a",
    "&a [*a]",
    PLAIN + "description: " + "&d " + "x" * 900_000 + "\n",
    PLAIN + 'description: "\\0 \\x00 \\ud800 \\U0010ffff"\n',
    PLAIN + "description: >-\n" + "  x\n" * 50_000,
    PLAIN + "description: '" + "\n" * 50_000 + "'\n",
    PLAIN + "".join(f"k{n}: 1\n" for n in range(3_000)),
    "name: w\nsteps:\n" + "".join(f"  - {{id: s{n}, task: t}}\n" for n in range(2_000)),
    "name: w\nsteps:\n"
    + "".join(
        f"  - {{id: s{n}, task: t, needs: [{', '.join(f's{m}' for m in range(n))}]}}\n"
        for n in range(120)
    ),
]


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """Draw the YAML of a sound definition with some letters in it changed."""
    text = yaml.safe_dump(draw(sound()), sort_keys=False) if draw(st.booleans()) else PLAIN
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = begin + draw(st.sampled_from([0, 0, 1, 9]))
        put = draw(
            st.sampled_from(
                [
                    *("", "\t", "\n", "\0", "\ufeff", "*a ", "&a ", "!!str ", "!x ", "<<: *a\n"),
                    *("- ", ": ", "? ", "| ", "> ", "{", "}", "[", "]", "'", '"', "#", "%", "@"),
                    *("\x1b", "\ud800", "\u2028", "---\n", "...\n", "`", ", ", "1e999", "~"),
                ]
            )
        )
        text = text[:begin] + put + text[end:]
    return text


YAML = st.sampled_from(YAML_TRICKS) | spoiled() | sound().map(yaml.safe_dump)
"""Texts that are given as YAML."""
