"""Short ways to write definitions and to read their faults."""

from typing import Any

import pytest

from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.errors import DefinitionError
from onceflow.engine.json_text import Json


def compile_yaml(text: str) -> dict[str, Any]:
    return compile_definition(parse(text, "yaml"))


def faults_of(definition: str | dict[str, Any]) -> list[str]:
    """Return the faults, each as ``place: message``, of a definition that has some."""
    with pytest.raises(DefinitionError) as refused:
        compile_definition(parse(definition, "yaml") if isinstance(definition, str) else definition)
    return [str(fault) for fault in refused.value.faults]


def workflow(*steps: dict[str, Json], **more: Json) -> dict[str, Any]:
    """Return a definition with these steps; each gets the task ``t`` unless it names one."""
    return {"name": "w", "steps": [{"task": "t", **step} for step in steps], **more}
