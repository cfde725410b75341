"""Reads what stands in one text: paths, functions behind pipes and called, and their arguments.

expression  := operand ( '|' function )*
operand     := condition (jsonpath.py), in which a call may stand where a path does
function    := name [ '(' [ argument (',' argument)* ] ')' ]
argument    := ( literal | '[' argument, … ']' | '{' "key": argument, … '}' | operand )
               ( '|' function )*
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ...errors import DefinitionError
from ..common.mends import did_you_mean
from ..source.document import Reading
from ..source.read_json import JsonReader, JsonSyntaxError
from .functions import FUNCTIONS, Function
from .jsonpath import PathReader
from .pieces import Piece
from .secrets import read_secret

Tree = dict[str, Any]

MAX_LENGTH = 4000
"""Characters of one expression."""
MAX_FUNCTIONS = 20

NOW, TASK = "@now", "@task"
"""What only those expressions see that ask for it: names that no path can have."""

_FUNCTION = re.compile(r"[A-Za-z_]\w*")
_DOLLAR = re.compile(r"\$\$|\$\{")
_SCALAR = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)\s*(?=[,)\]}]|\|(?!\|))', re.DOTALL)


@dataclass(slots=True)
class ExpressionReader(PathReader):
    """Reads the expressions of one text. Every method raises PathError.

    ``told`` collects what they ask to be told; ``place`` tells the text from all others of the
    definition.
    """

    place: str = ""
    told: set[str] = field(default_factory=set[str])
    _functions: int = 0
    _nodes: int = 0
    _ids: int = 0
    _calls: list[Tree] = field(default_factory=list[Tree])

    def whole(self) -> Tree:
        """Read the text as one expression."""
        tree = self._expression()
        if self.offset < len(self.text):
            self.fail("something follows the expression that is no part of it")
        return tree

    def template(self) -> Tree:
        """Read a text with any number of ``${ … }`` in it."""
        parts: list[Tree] = []
        offset = 0
        literal = ""
        while found := _DOLLAR.search(self.text, offset):
            literal += self.text[offset : found.start()]
            offset = found.end()
            if found.group() == "$$":
                literal += "$"
                continue
            if literal:
                parts.append({"v": literal})
                literal = ""
            self.offset = offset
            parts.append(self._expression())
            self.expect("}", "to close ${")
            offset = self.offset
        literal += self.text[offset:]
        if not parts:
            return {"v": literal}
        if literal:
            parts.append({"v": literal})
        return parts[0] if len(parts) == 1 else {"c": parts}

    def _expression(self) -> Tree:
        """Read a path and the functions behind it, or a secret."""
        self.limit = self.offset + MAX_LENGTH
        self._functions = 0
        self.skip_space()
        start = self.offset
        tree = self._plain_path()
        if tree is None:
            if secret := read_secret(self):
                return secret
            tree = self._operand()
        elif self.text[self.offset : self.offset + 1] in ("", "}"):
            return tree
        tree = self._piped(tree, start)
        self.skip_space()
        return tree

    def _piped(self, tree: Tree, start: int) -> Tree:
        """Read the functions behind an operand that begins at ``start``."""
        while self.taken("|"):
            self.skip_space()
            named = self.offset
            name, function = self._name()
            self.offset += len(name)
            if not function.of:
                self.fail(f"{name} takes no value; write ${{ {function.form} }}", named)
            arguments = self._arguments(name, function) if self.taken("(") else []
            self._count_arguments(name, function, len(arguments), named)
            tree = self._made(name, function, tree, arguments, named)
            tree["t"] = self.text[start : self.offset].strip()
        return tree

    def _name(self) -> tuple[str, Function]:
        found = _FUNCTION.match(self.text, self.offset)
        name = found.group() if found else ""
        function = FUNCTIONS.get(name)
        if function is None:
            mend = did_you_mean(name, FUNCTIONS) or f"; known are {', '.join(FUNCTIONS)}"
            self.fail(f"there is no function {name!r}{mend}")
        return name, function

    def call(self, start: int) -> Piece | None:
        """Read a call that begins at ``start``, where one does: a variable of the path around."""
        found = _FUNCTION.match(self.text, start)
        name = found.group() if found else ""
        self.offset = start + len(name)
        if not name or not self.taken("("):
            self.offset = start
            return None
        self.offset = start
        _, function = self._name()
        if self.in_filter:
            self.fail(
                f"a function cannot stand in ?( … ); write … | filter({name}(@…) == …)", start
            )
        self.offset = self.text.index("(", start) + 1
        tree = self._called(name, function, start)
        tree["t"] = self.text[start : self.offset]
        self._calls.append(tree)
        return Piece(f'$"f{len(self._calls)}"', root="@")

    def _called(self, name: str, function: Function, start: int) -> Tree:
        """Read what is in the parentheses of a call."""
        if not function.of:
            self.expect(")", f"behind {name}(, which takes nothing")
            return self._given(name)
        self.skip_space()
        if self.text.startswith(")", self.offset):
            self.fail(f"{name} needs a value: {name}(value{', …' if function.most else ''})", start)
        value = self._argument()
        arguments = self._arguments(name, function) if self.taken(",") else self._closed(name)
        self._count_arguments(name, function, len(arguments), start, ", besides its value")
        return self._made(name, function, value, arguments, start)

    def _closed(self, name: str) -> list[Tree]:
        self.expect(")", f"to close {name}(")
        return []

    def _given(self, name: str) -> Tree:
        """Return the tree of a function without a value: of what the context is asked for."""
        self._nodes += 1
        if name == "now":
            self.told.add("now")
            return {"p": f'strict $."{NOW}"', "t": name}
        self.told.add("task")
        self._ids += 1
        task = {"p": f'strict $."{TASK}"', "t": name}
        place = {"v": f"{self.place}#{self._ids}"}
        return {"f": name, "x": task, "a": [place], "t": "", "k": ["string"], "q": ["string"]}

    def _made(
        self, name: str, function: Function, value: Tree, arguments: list[Tree], start: int
    ) -> Tree:
        """Return the tree of a function whose arguments are as many as they should be."""
        self._functions += 1
        self._nodes += 1
        if self._functions > MAX_FUNCTIONS:
            self.fail(f"an expression has at most {MAX_FUNCTIONS} functions", start)
        tree: Tree = {"f": name, "x": value, "a": [], "t": "", "k": [*function.of]}
        if function.each and arguments:
            return {**tree, **arguments[0]}
        for n, argument in enumerate(arguments):
            fault = function.argument_fault(n, argument["v"]) if "v" in argument else None
            if fault:
                self.fail(f"{name} {fault}", start)
        return {**tree, "a": arguments, **({"q": [*function.takes]} if arguments else {})}

    def _count_arguments(
        self, name: str, function: Function, count: int, start: int, besides: str = ""
    ) -> None:
        if not function.least <= count <= function.most:
            self.fail(f"{name} takes {function.count}{besides}, not {count}", start)

    def _arguments(self, name: str, function: Function) -> list[Tree]:
        """Read the arguments up to the closing parenthesis; for each item, what is evaluated."""
        arguments: list[Tree] = []
        if self.taken(")"):
            return arguments
        while True:
            arguments.append(self._body() if function.each else self._argument())
            if self.taken(")"):
                return arguments
            self.expect(",", f"or ) behind an argument of {name}")

    def _body(self) -> Tree:
        """Read an expression for each item; with how much it evaluates, and whether it scans."""
        nodes, scans = self._nodes, self.scans
        self.scans = False
        self.bodies += 1
        tree = self._argument()
        self.bodies -= 1
        body: Tree = {"i": tree, "n": max(self._nodes - nodes, 1)}
        if self.scans:
            body["e"] = True
        self.scans = self.scans or scans
        return body

    def _argument(self) -> Tree:
        self.skip_space()
        start = self.offset
        self.deeper()
        match self.text[start : start + 1]:
            case "{":
                tree = self._object()
            case "[":
                tree = self._array()
            case _ if _SCALAR.match(self.text, start, self.limit):
                tree = self._literal()
            case _:
                tree = self._operand(constant=True)
        self.nesting -= 1
        return self._piped(tree, start)

    def _object(self) -> Tree:
        self.expect("{", "")
        members: dict[str, Tree] = {}
        while not (not members and self.taken("}")):
            self.skip_space()
            at = self.offset
            key = self.string()
            if key in members:
                self.fail(f"the key {key!r} stands twice", at)
            self.expect(":", "behind a key")
            members[key] = self._argument()
            if self.taken("}"):
                break
            self.expect(",", "or } behind a member")
        if all(tree.keys() == {"v"} for tree in members.values()):
            return {"v": {key: tree["v"] for key, tree in members.items()}}
        self._nodes += 1
        return {"l": [*members.values()], "d": [*members]}

    def _array(self) -> Tree:
        self.expect("[", "")
        items: list[Tree] = []
        while not (not items and self.taken("]")):
            items.append(self._argument())
            if self.taken("]"):
                break
            self.expect(",", "or ] behind an item")
        if all(tree.keys() == {"v"} for tree in items):
            return {"v": [tree["v"] for tree in items]}
        self._nodes += 1
        return {"l": items}

    def _literal(self) -> Tree:
        """Read a JSON value that is neither an object nor an array."""
        start = self.offset
        reading = Reading()
        reader = JsonReader(self.text[start : self.limit], reading)
        try:
            document = reading.document(lambda: reader.value(0, "", 1))
        except JsonSyntaxError as error:
            message = f"an argument is JSON or an expression: {error}"
            self.fail(message, start + error.offset)
        except DefinitionError as error:
            self.fail(error.faults[0].message)
        self.offset = start + reader.offset
        return {"v": document.value}

    def _plain_path(self) -> Tree | None:
        """Read a path of names alone; None where another one stands."""
        start = self.offset
        plain = self.plain()
        if plain is None:
            return None
        return {"p": f"strict {plain}", "t": self.text[start : self.offset]}

    def _operand(self, *, constant: bool = False) -> Tree:
        """Read a path, an arithmetic expression, a condition, or a call and nothing else."""
        self.skip_space()
        if (plain := self._plain_path()) is not None:
            self._nodes += 1
            return plain
        start = self.offset
        known, items = len(self.references), self.items
        with self._fresh():
            piece = self.condition()
            calls = self._calls
            wide = self.wide
        if len(self.references) == known and self.items == items and not calls and not constant:
            self.fail("this names nothing; an expression begins with $.", start)
        if piece.text == '$"f1"':
            return calls[0]
        self._nodes += 1
        tree: Tree = {"p": f"strict {piece.text}", "t": self.text[start : self.offset].strip()}
        if piece.many:
            tree["m"] = True
        if piece.kind == "condition":
            tree["b"] = True
        if wide:
            tree["w"] = True
        if calls:
            tree["z"] = calls
        named = self.references[known:]
        if values := sorted({r.names[0] for r in named if r.config and r.names}):
            tree["g"] = values
        return tree

    @contextmanager
    def _fresh(self) -> Generator[None]:
        """Forget, for a path of its own, what the one around it has so far."""
        around, calls = self.begin(), self._calls
        self._calls = []
        yield
        self._calls = calls
        self.resume(around)
