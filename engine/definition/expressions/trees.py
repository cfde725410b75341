"""Compiles the texts of a definition to trees, which onceflow.evaluate walks in Postgres.

A text that begins with ``$.`` is one expression. In any other, ``${ … }`` is an expression and
``$$`` a dollar sign. An expression is a path (jsonpath.py), with functions (reader.py). A text
with secrets is null in its tree, and stands aside for workers to fill in (secrets.py). The trees:

    {"v": value}                 a literal; whatever holds no expression is one
    {"p": path, "t": text}       a path and how the user wrote it; besides, "m": true where it gives
                                 an array of all it finds, "b": true where it is a condition,
                                 "w": true where it compares each value with each, "g": the
                                 values of the configuration that it names, "z": the trees of its
                                 variables $f1, $f2 …, which are functions that it calls
    {"f": name, "x": tree, "a": [tree], "t": text}      a function of x, with arguments; "k", "q":
                                 the kinds that x and these may have; where one is evaluated for
                                 each item, "i": its tree, "n": how many paths and functions are in
                                 it, "e": true where it scans what lies outside
    {"c": [tree]}                a text put together
    {"o": {key: tree}}           an object
    {"l": [tree]}                an array; with "d": [key], in functions alone, an object
"""

from dataclasses import dataclass, field
from typing import cast

from ...json_text import Json
from ..source.document import Faults, child
from .pieces import Reference
from .reader import ExpressionReader, Tree
from .scanner import PathError
from .secrets import Filled, Place, forgotten_braces, names_secret, secret_fault


@dataclass(slots=True)
class Compiled:
    """A tree, what its paths name: (pointer of the text, reference), and the texts with secrets.

    ``told``: `now` and `task`, where they ask for these.
    """

    tree: Tree
    references: list[tuple[str, Reference]] = field(default_factory=list[tuple[str, Reference]])
    filled: list[Filled] = field(default_factory=list[Filled])
    told: set[str] = field(default_factory=set[str])


def compile_value(value: Json, pointer: str, faults: Faults) -> Compiled:
    """Compile a value whose texts may be expressions. After a fault the tree is of no use."""
    compiled = Compiled({})
    compiled.tree = _value(value, pointer, (), faults, compiled)
    return compiled


def _value(value: Json, pointer: str, at: Place, faults: Faults, compiled: Compiled) -> Tree:
    match value:
        case str():
            return _text(value, pointer, at, faults, compiled)
        case dict():
            members = {
                key: _value(item, child(pointer, key), (*at, key), faults, compiled)
                for key, item in cast(dict[str, Json], value).items()
            }
            if all("v" in tree for tree in members.values()):
                return {"v": {key: tree["v"] for key, tree in members.items()}}
            return {"o": members}
        case list():
            items = [
                _value(item, child(pointer, n), (*at, n), faults, compiled)
                for n, item in enumerate(cast(list[Json], value))
            ]
            if all("v" in tree for tree in items):
                return {"v": [tree["v"] for tree in items]}
            return {"l": items}
        case _:
            return {"v": value}


def _text(text: str, pointer: str, at: Place, faults: Faults, compiled: Compiled) -> Tree:
    """Compile one text."""
    if "$" not in text:
        return {"v": text}
    if fault := forgotten_braces(text):
        faults.add(pointer, fault)
    if text == "$":
        faults.add(pointer, "$ alone is no expression; write $.input, or $$ for a dollar sign")
        return {"p": "", "t": text}
    reader = ExpressionReader(text, place=pointer)
    try:
        tree = reader.whole() if text.startswith("$.") else reader.template()
    except PathError as error:
        faults.add(pointer, _explain(text, error))
        return {"p": "", "t": text}
    compiled.told |= reader.told
    compiled.references.extend((pointer, reference) for reference in reader.references)
    if not names_secret(tree):
        return tree
    if fault := secret_fault(tree):
        faults.add(pointer, fault)
    compiled.filled.append(Filled.of(at, pointer, tree))
    return {"v": None}


def _explain(text: str, error: PathError) -> str:
    before, behind = text[: error.offset][-20:], text[error.offset :][:20]
    message = f"the expression is wrong at character {error.offset + 1}, {before}»{behind}: {error}"
    if text.startswith("$."):
        message += ". For a text that begins with $. write $$."
    return message
