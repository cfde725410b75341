"""The published JSON Schema of definitions, for editors."""

from .keys import WORKFLOW, Schema


def json_schema() -> Schema:
    """Return the JSON Schema of workflow definitions, as workflow.schema.json holds it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Onceflow workflow definition",
        **WORKFLOW.schema(),
    }
