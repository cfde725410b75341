"""Writes docs/reference.md: every key of a definition, from the JSON Schema that editors have too.

Run ``python -m tests.structure.reference`` after changing a key of the language.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from onceflow.engine.definition import json_schema

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"

HEAD = """\
# Reference of definitions

Every key that a definition may have, made from the JSON Schema that editors check and complete by
(`onceflow schema`, `/schema/workflow.json`). What it all means, with examples:
[Definitions](definitions.md).

"""

Schema = dict[str, Any]


def page() -> str:
    """Return the page as it ought to be."""
    schema = json_schema()
    kinds = {
        name.removeprefix("step-"): kind
        for name, kind in schema["$defs"].items()
        if name.startswith("step-")
    }
    first = next(iter(kinds.values()))
    shared = [name for name in first["properties"] if all(same(name, kinds))]
    parts = [HEAD.rstrip() + "\n", section("The workflow", schema)]
    common = {
        "description": "Keys of all kinds of steps.",
        "required": first["required"],
        "properties": {name: first["properties"][name] for name in shared},
    }
    parts.append(section("Steps", common))
    for name, kind in kinds.items():
        own = {key: value for key, value in kind["properties"].items() if key not in shared}
        parts.append(section(f"`{name}`", {**kind, "properties": own}))
    parts.append("## What starts it\n\nThe entries of `on`, each with an `id` and one other key.\n")
    for name, entry in schema["$defs"].items():
        if name.startswith("trigger-"):
            kind = name.removeprefix("trigger-")
            parts.append(section(f"`{kind}`, of an entry", entry["properties"][kind], 3))
    return "\n".join(parts)


def same(name: str, kinds: dict[str, Schema]) -> Iterator[bool]:
    """Yield of each kind whether it has this key as the first one does."""
    first = next(iter(kinds.values()))["properties"][name]
    for kind in kinds.values():
        yield kind["properties"].get(name) == first


def section(title: str, schema: Schema, depth: int = 2, told: set[str] | None = None) -> str:
    """Return what is said of one kind of object, and of the objects in it, each once."""
    done: set[str] = set() if told is None else told
    rows = ["| key | value | | example |", "|---|---|---|---|"]
    below: list[str] = []
    for name, key in schema["properties"].items():
        required = name in schema.get("required", ())
        meaning = key["description"] + (" Required." if required else "")
        if "default" in key:
            meaning += f" Default: {code(key['default'])}."
        shown = " · ".join(code(example) for example in key.get("examples", ())[:2])
        rows.append(f"| `{name}` | {cell(kind_of(key))} | {cell(meaning)} | {cell(shown)} |")
        for inner in inner_of(key):
            if (text := json.dumps(inner)) not in done:
                done.add(text)
                below.append(section(f"{title}, its `{name}`", inner, depth + 1, done))
    about = schema.get("description", "")
    head = f"{'#' * depth} {title}\n\n" + (f"{about}\n\n" if about else "")
    return head + "\n".join(rows) + "\n" + "".join(f"\n{part}" for part in below)


def inner_of(key: Schema) -> Iterator[Schema]:
    """Yield the objects with keys of their own that a value holds."""
    if key.get("additionalProperties") is False:
        yield {**key, "description": ""}
    elif isinstance(items := key.get("items"), dict):
        yield from inner_of(cast(Schema, items))


def kind_of(key: Schema) -> str:
    """Return in words what a value is."""
    if "$ref" in key:
        return "an entry" if "trigger" in key["$ref"] else "a step"
    if "enum" in key:
        return ", ".join(code(value) for value in key["enum"])
    if "anyOf" in key and "type" not in key:
        words = list(dict.fromkeys(kind_of(one) for one in key["anyOf"]))
        return "duration" if words == ["number", "text"] else " or ".join(words)
    match key.get("type"):
        case "string":
            expression = "pattern" in key and re.match(key["pattern"], "$.x")
            return "expression" if expression else "text"
        case "array":
            items = key.get("items")
            return f"list of {plural(kind_of(items))}" if items else "list"
        case "object":
            inner = key.get("additionalProperties")
            if isinstance(inner, dict):
                return f"by name: {kind_of(cast(Schema, inner))}"
            return "object"
        case "integer":
            return f"{key['minimum']} to {key['maximum']:,}"
        case "number" if "maximum" in key and key["maximum"] <= 1000:
            return f"number, {key['minimum']} to {key['maximum']:,}"
        case None:
            return "any value"
        case other:
            return str(other)


def plural(word: str) -> str:
    """Return several of what a word says."""
    return {"a step": "steps", "an entry": "entries", "text": "texts", "object": "objects"}.get(
        word, word
    )


def code(value: Any) -> str:
    """Return a value as it is written in YAML's flow style."""
    if isinstance(value, str):
        return f"`{value}`"
    text = re.sub(r'"([A-Za-z_][\w.*-]*|\$[\w.-]*)"', r"\1", json.dumps(value, ensure_ascii=False))
    return f"`{text}`"


def cell(text: str) -> str:
    """Return a text as it stands in a table."""
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
