"""Compiling single values, as the tests of expressions need it."""

from typing import Any

from onceflow.engine.definition.expressions.trees import compile_value
from onceflow.engine.definition.source.document import Document, Faults
from onceflow.engine.json_text import Json


def compile_text(value: Json) -> dict[str, Any]:
    """Return the tree of a value; raises DefinitionError."""
    faults = Faults(Document.of(value))
    compiled = compile_value(value, "", faults)
    faults.raise_any()
    return compiled.tree
