"""Compiles the texts of a definition to trees, which onceflow.evaluate walks in Postgres.

A text that begins with ``$.`` is one expression. In any other, ``${ … }`` is an expression and
``$$`` a dollar sign. An expression is a path (jsonpath.py), with functions behind pipes. A text
with secrets is null in its tree, and stands aside for workers to fill in (secrets.py). The trees:

    {"v": value}                 a literal; whatever holds no expression is one
    {"p": path, "t": text}       a path and how the user wrote it; besides, "m": true where it gives
                                 an array of all it finds, "b": true where it is a condition,
                                 "w": true where it compares each value with each, "g": the
                                 values of the configuration that it names
    {"f": name, "x": tree, "a": [tree], "t": text}      a function of x, with arguments
    {"c": [tree]}                a text put together
    {"o": {key: tree}}           an object
    {"l": [tree]}                an array
"""

import re
from dataclasses import dataclass, field
from typing import Any, cast

from ...errors import DefinitionError
from ...json_text import Json
from ..common.mends import did_you_mean
from ..source.document import Faults, Reading, child
from ..source.read_json import JsonReader, JsonSyntaxError
from .functions import FUNCTIONS
from .jsonpath import PathReader
from .pieces import Reference
from .scanner import PathError
from .secrets import Filled, Place, forgotten_braces, names_secret, read_secret, secret_fault

Tree = dict[str, Any]

MAX_LENGTH = 4000
"""Characters of one expression."""
MAX_FUNCTIONS = 20

_FUNCTION = re.compile(r"[A-Za-z_]\w*")
_DOLLAR = re.compile(r"\$\$|\$\{")


@dataclass(slots=True)
class Compiled:
    """A tree, what its paths name: (pointer of the text, reference), and the texts with secrets."""

    tree: Tree
    references: list[tuple[str, Reference]] = field(default_factory=list[tuple[str, Reference]])
    filled: list[Filled] = field(default_factory=list[Filled])


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
    reader = _ExpressionReader(text)
    try:
        tree = reader.whole() if text.startswith("$.") else reader.template()
    except PathError as error:
        faults.add(pointer, _explain(text, error))
        return {"p": "", "t": text}
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


class _ExpressionReader:
    """Reads the expressions of one text. Every method raises PathError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._path = PathReader(text)

    @property
    def references(self) -> list[Reference]:
        return self._path.references

    def whole(self) -> Tree:
        """Read the text as one expression."""
        tree = self._expression()
        if self._path.offset < len(self._text):
            self._path.fail("something follows the expression that is no part of it")
        return tree

    def template(self) -> Tree:
        """Read a text with any number of ``${ … }`` in it."""
        parts: list[Tree] = []
        offset = 0
        literal = ""
        while found := _DOLLAR.search(self._text, offset):
            literal += self._text[offset : found.start()]
            offset = found.end()
            if found.group() == "$$":
                literal += "$"
                continue
            if literal:
                parts.append({"v": literal})
                literal = ""
            self._path.offset = offset
            parts.append(self._expression())
            self._path.expect("}", "to close ${")
            offset = self._path.offset
        literal += self._text[offset:]
        if not parts:
            return {"v": literal}
        if literal:
            parts.append({"v": literal})
        return parts[0] if len(parts) == 1 else {"c": parts}

    def _expression(self) -> Tree:
        """Read a path and the functions behind it, or a secret."""
        self._path.limit = self._path.offset + MAX_LENGTH
        self._path.skip_space()
        start = self._path.offset
        tree = self._plain_path()
        if tree is None:
            if secret := read_secret(self._path):
                return secret
            tree = self._one_path()
        elif self._text[self._path.offset : self._path.offset + 1] in ("", "}"):
            return tree
        functions = 0
        while self._path.taken("|"):
            functions += 1
            if functions > MAX_FUNCTIONS:
                self._path.fail(f"an expression has at most {MAX_FUNCTIONS} functions")
            tree = self._function(tree)
            tree["t"] = self._text[start : self._path.offset].strip()
        self._path.skip_space()
        return tree

    def _plain_path(self) -> Tree | None:
        """Read a path of names alone; None where another one stands."""
        start = self._path.offset
        plain = self._path.plain()
        if plain is None:
            return None
        return {"p": f"strict {plain}", "t": self._text[start : self._path.offset]}

    def _one_path(self) -> Tree:
        self._path.skip_space()
        if (plain := self._plain_path()) is not None:
            return plain
        start = self._path.offset
        known = len(self.references)
        self._path.begin()
        piece = self._path.condition()
        if len(self.references) == known:
            self._path.fail("this names nothing; an expression begins with $.", start)
        tree: Tree = {
            "p": f"strict {piece.text}",
            "t": self._text[start : self._path.offset].strip(),
        }
        if piece.many:
            tree["m"] = True
        if piece.kind == "condition":
            tree["b"] = True
        if self._path.wide:
            tree["w"] = True
        if values := sorted({r.names[0] for r in self.references[known:] if r.config and r.names}):
            tree["g"] = values
        return tree

    def _function(self, value: Tree) -> Tree:
        self._path.skip_space()
        start = self._path.offset
        found = _FUNCTION.match(self._text, start)
        name = found.group() if found else ""
        function = FUNCTIONS.get(name)
        if function is None:
            mend = did_you_mean(name, FUNCTIONS) or f"; known are {', '.join(FUNCTIONS)}"
            self._path.fail(f"there is no function {name!r}{mend}", start)
        self._path.offset = start + len(name)
        arguments = self._arguments()
        if len(arguments) != function.arguments:
            takes = "no argument" if function.arguments == 0 else "one argument"
            self._path.fail(f"{name} takes {takes}, not {len(arguments)}", start)
        for argument in arguments:
            fault = function.argument_fault(argument["v"]) if "v" in argument else None
            if fault:
                self._path.fail(f"{name} {fault}", start)
        return {"f": name, "x": value, "a": arguments}

    def _arguments(self) -> list[Tree]:
        arguments: list[Tree] = []
        if not self._path.taken("(") or self._path.taken(")"):
            return arguments
        while True:
            self._path.skip_space()
            path = self._text.startswith("$", self._path.offset)
            arguments.append(self._one_path() if path else self._literal())
            if self._path.taken(")"):
                return arguments
            self._path.expect(",", "or ) behind an argument")

    def _literal(self) -> Tree:
        """Read a JSON value."""
        start = self._path.offset
        reading = Reading()
        reader = JsonReader(self._text[start : self._path.limit], reading)
        try:
            document = reading.document(lambda: reader.value(0, "", 1))
        except JsonSyntaxError as error:
            message = f"an argument is JSON or a path from $. on: {error}"
            self._path.fail(message, start + error.offset)
        except DefinitionError as error:
            self._path.fail(error.faults[0].message)
        self._path.offset = start + reader.offset
        return {"v": document.value}
