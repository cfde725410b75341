"""What the clients over SQL ask: statements whose rows are one JSON text each.

What the caller's own connection makes of jsonb, uuid or timestamptz (Django's and SQLAlchemy's have
readers of their own) does not matter then.
"""

from typing import Any, LiteralString, NamedTuple, TypeVar

import msgspec

from ..engine.calls import reads
from ..engine.errors import NotFound
from .operations import Plan

T = TypeVar("T")


class Statement(NamedTuple):
    """A statement whose rows are one JSON text each, and its parameters."""

    text: LiteralString
    parameters: Any


def in_json(text: LiteralString, parameters: Any) -> Statement:
    """Return a statement that answers as ``text`` does, each row as JSON."""
    return Statement(f"select to_jsonb(x)::text from ({text}) x", parameters)


def read_rows(rows: list[str], as_type: type[T]) -> list[T]:
    """Return the rows of an answer as a type."""
    decoder = msgspec.json.Decoder(as_type)
    return [decoder.decode(row) for row in rows]


def name_of(workflow: str) -> Plan[Statement, str]:
    """Return the name of a workflow, which may be given by its id. Raises NotFound."""
    rows: list[str] = yield in_json(*reads.find_workflow("name", workflow))
    if not rows:
        names = read_rows((yield in_json(*reads.list_names())), dict[str, str])
        raise NotFound(reads.no_workflow(workflow, [each["name"] for each in names]))
    return msgspec.json.decode(rows[0], type=dict[str, str])["name"]
