"""The published JSON Schema of definitions, for editors.

``python -W ignore -m onceflow.engine.definition.schema`` writes workflow.schema.json again.
"""

import json
from pathlib import Path

from .steps.kinds import step_schemas
from .steps.members import Schema
from .triggers.kinds import trigger_schemas
from .workflow import MEMBERS

FILE = Path(__file__).with_name("workflow.schema.json")


def json_schema() -> Schema:
    """Return the JSON Schema of workflow definitions, as workflow.schema.json holds it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Onceflow workflow definition",
        "description": "A workflow: what it is given, its steps, and what it gives.",
        **MEMBERS.schema(),
        "$defs": {**step_schemas(), **trigger_schemas()},
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(json_schema(), indent=2) + "\n")
