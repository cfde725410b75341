"""Whatever is thrown at the compiler, it answers with a result or a DefinitionError."""

import contextlib
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from onceflow.engine.definition import compile_definition, json_schema, parse
from onceflow.engine.errors import DefinitionError
from onceflow.engine.json_text import Json

KEYS = st.sampled_from(
    sorted(json_schema()["properties"])
    + sorted(
        {key for kind in [*json_schema()["$defs"].values()] for key in kind.get("properties", ())}
    )
    + ["map", "version", "attempts", "backoff", "max", "factor", "jitter", "a", "$ref", "type"]
)
WORDS = st.sampled_from(
    [
        "a",
        "b",
        "w",
        "$",
        "$$",
        "${",
        "${ $.input.a }",
        "$.steps.a.output",
        "30s",
        "fail",
        "#",
        "object",
    ]
)
EXPRESSIONS = st.text(alphabet='$.{}[]()?@|&! "a0*-', max_size=12).map("$.input".__add__)
JUNK: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS | EXPRESSIONS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)
TASKS: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {"id": WORDS, "task": WORDS},
    optional={
        "with": JUNK,
        "when": JUNK,
        "needs": st.lists(WORDS, max_size=3),
        "retry": JUNK,
        "compensate": st.fixed_dictionaries({"task": WORDS, "with": JUNK}),
    },
)


def blocks(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Return blocks of steps that are drawn from ``inner``."""
    steps = st.lists(inner, max_size=3)
    case = st.fixed_dictionaries({"when": JUNK, "steps": steps})
    branches = steps | st.dictionaries(WORDS, steps, max_size=3)
    more = {
        "as": WORDS, "join": JUNK, "tolerate": JUNK, "output": JUNK, "undo": JUNK,
        "max_parallel": JUNK, "on_failure": JUNK, "needs": st.lists(WORDS, max_size=3),
    }  # fmt: skip
    kinds: list[dict[str, st.SearchStrategy[Any]]] = [
        {"steps": steps},
        {"switch": st.lists(case, max_size=2), "else": steps | JUNK},
        {"parallel": branches},
        {"race": branches},
        {"for_each": JUNK, "steps": steps},
    ]
    return st.one_of(
        [st.fixed_dictionaries({"id": WORDS, **kind}, optional=more) for kind in kinds]
    )


STEPS: st.SearchStrategy[Json] = st.lists(st.recursive(TASKS, blocks, max_leaves=6), max_size=4)
WORKFLOWS: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {"name": WORDS, "steps": STEPS}, optional={"input": JUNK, "output": JUNK, "deadline": JUNK}
)


@settings(max_examples=200)
@given(JUNK | WORKFLOWS)
def test_junk_data(value: Any) -> None:
    with contextlib.suppress(DefinitionError):
        compile_definition(value)


@settings(max_examples=300)
@given(
    st.text() | st.binary() | st.text(alphabet="ab: -[]{},&*!|>'\"\\n\n#%0.$~"),
    st.sampled_from(["yaml", "json"]),
)
def test_junk_text(text: str | bytes, format: Literal["yaml", "json"]) -> None:  # noqa: A002
    with contextlib.suppress(DefinitionError):
        compile_definition(parse(text, format))


@given(WORKFLOWS)
def test_a_fault_says_where_and_what(value: Json) -> None:
    try:
        compile_definition(value)
    except DefinitionError as error:
        for fault in error.faults:
            assert fault.place
            assert fault.message
