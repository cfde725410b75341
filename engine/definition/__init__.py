"""The definition compiler: from YAML or JSON to the rows of a workflow version.

    document = parse(text, "yaml")              # plain data, with the place of everything in it
    compiled = compile_definition(document)     # what register_workflow takes
    faults = check_input(compiled["input_schema"], {"customer": "ALFKI"})

docs/definitions.md is the reference of the language; README.md says where what is. Expressions are
evaluated in Postgres, by `evaluate`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Literal

from ..errors import Fault
from .compiler import Checked, check_definition, compile_definition
from .schema import json_schema
from .source.document import MAX_BYTES, Document, refusal, text_fault
from .source.read_json import read_json
from .source.read_yaml import read_yaml

if TYPE_CHECKING:
    from .inputs.check import TooMuchWork, check_input, find_faults

__all__ = [
    "Checked",
    "Document",
    "TooMuchWork",
    "check_definition",
    "check_input",
    "compile_definition",
    "find_faults",
    "json_schema",
    "parse",
]


def __getattr__(name: str) -> object:
    # What checks inputs takes longer to import than the compiler, which does without it.
    if name in ("TooMuchWork", "check_input", "find_faults"):
        return getattr(import_module(".inputs.check", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def parse(
    text: str | bytes,
    format: Literal["yaml", "json"],  # noqa: A002  the plain word reads best at the call
) -> Document:
    """Read the text of a definition, which is at most 1 MiB of UTF-8.

    Raises DefinitionError where it cannot be read, with every fault found.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        fault = Fault("the document", f"has more than {MAX_BYTES} bytes; split the workflow")
        raise refusal([fault])
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8-sig")) + 1
        fault = text_fault((line, column), "is not UTF-8; save the file as UTF-8")
        raise refusal([fault]) from None
    return read_yaml(decoded) if format == "yaml" else read_json(decoded)
