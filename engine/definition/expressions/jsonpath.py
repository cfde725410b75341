"""Reads SQL/JSON paths as Postgres 15 has them, and writes each in one sure form.

A small recursive-descent parser over the text. It prints as it reads: every member name is quoted,
so that ``$.steps.fetch-orders.output`` reaches Postgres as ``$."steps"."fetch-orders"."output"``.
What it accepts, Postgres accepts as ``strict <text>``; the tests hold the two together.

    condition   := and ('||' and)*          and := negation ('&&' negation)*
    negation    := '!' ( '(' condition ')' | exists ) | comparison
    comparison  := sum [ ('=='|'!='|'<>'|'<'|'<='|'>'|'>=') sum
                       | 'starts' 'with' string | 'like_regex' string ['flag' string]
                       | 'is' 'unknown' ]
    sum         := product (('+'|'-') product)*     product := unary (('*'|'/'|'%') unary)*
    unary       := ('+'|'-') unary | path
    path        := ( '$' | '@' | 'last' | literal | call | '(' condition ')' | exists ) accessor*
    accessor    := '.' name | '.' '*' | '.' '**' ['{' level ['to' level] '}'] | '.' method '(' ')'
                 | '[' '*' ']' | '[' sum ['to' sum] (',' …)* ']' | '?' '(' condition ')'

Kept out, since it could only fail later: many values where one is needed (in arithmetic, as a
subscript), a condition where a value is needed, and the other way round.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..common.mends import did_you_mean
from .pieces import CONFIG, SECRETS, Piece, Reference
from .scanner import Scanner, quoted

METHODS = frozenset({"type", "size", "double", "ceiling", "floor", "abs", "keyvalue", "datetime"})
"""The item methods of Postgres 15."""

ITEM = "item"
"""The variable of a path that ``@`` is in the bodies of functions."""

MAX_NESTING, MAX_COPIES = 16, 100
"""Copies are those of one value that subscripts with commas may make."""

_SIMPLER = "simplify it, or do it in a task"

# A hyphen with more of a name or a dot behind it is of the name: a minus needs a space around it.
_NAME = re.compile(r"[^\W\d]\w*(?:-(?=[\w.-])\w*)*")
_PLAIN = re.compile(rf"\$((?:\.{_NAME.pattern})+)(?=[ \t\n\r\f]*+(?:\Z|[\]}},)]|\|(?!\|)))")
"""A path of names alone, up to where every path ends."""
_NUMBER = re.compile(r"(?:0|[1-9]\d{0,99})(?:\.\d{1,100})?(?:[eE][+-]?\d{1,2})?(?![\w.])", re.ASCII)
_COMPARISONS = ("==", "!=", "<>", "<=", ">=", "<", ">")


@dataclass(slots=True)
class PathReader(Scanner):
    """Reads a path from ``offset`` on; afterwards ``offset`` stands behind it.

    ``references`` collects what each ``$`` in it names. ``wide``: it compares each value of a
    sequence with each of another. What would take more than that (each with each of each, copies
    of copies) is refused: a path runs under locks. ``scans``: one goes through a sequence from
    ``$``. In the ``bodies`` of functions, which are evaluated for each item, ``@`` is that item;
    ``items`` counts where it is named. Every method raises PathError.
    """

    references: list[Reference] = field(default_factory=list[Reference])
    wide: bool = False
    scans: bool = False
    bodies: int = 0
    items: int = 0
    nesting: int = 0
    _descents: int = 0
    _copies: int = 1
    _filters: int = 0
    _subscripts: int = 0

    def begin(self) -> tuple[bool, int, int, int]:
        """Forget what has been noted of the path so far, and return it."""
        noted = self.wide, self._descents, self._copies, self._subscripts
        self.wide, self._descents, self._copies, self._subscripts = False, 0, 1, 0
        return noted

    def resume(self, noted: tuple[bool, int, int, int]) -> None:
        """Go on with a path of which so much was noted."""
        self.wide, self._descents, self._copies, self._subscripts = noted

    @property
    def in_filter(self) -> bool:
        """Whether it stands in a ?( … )."""
        return self._filters > 0

    def call(self, start: int) -> Piece | None:
        """Read a call of a function that begins at ``start``: here there are none."""
        return None

    def condition(self) -> Piece:
        """Read a path, an arithmetic expression, or a condition."""
        self.deeper()
        piece = self._logical("||", lambda: self._logical("&&", self._negation))
        self.nesting -= 1
        return piece

    def plain(self) -> str | None:
        """Read a path of names alone, as nearly all are, or nothing where another one stands."""
        found = _PLAIN.match(self.text, self.offset)
        if not found or found.end() > self.limit:
            return None
        self.offset = found.end()
        names = found[1][1:].split(".")
        self.references.append(Reference((*names,), found[0]))
        return '$."' + '"."'.join(names) + '"'

    # Conditions

    def _logical(self, mark: str, part: Callable[[], Piece]) -> Piece:
        start = self.offset
        piece = part()
        while self.taken(mark):
            left = self._as_condition(piece, start, mark)
            start = self.offset
            right = self._as_condition(part(), start, mark)
            piece = Piece(f"{left.text} {mark} {right.text}", "condition")
        return piece

    def _negation(self) -> Piece:
        if self.taken("!"):
            self.skip_space()
            start = self.offset
            if self.word("exists"):
                return Piece(f"!{self._exists().text}", "condition")
            self.expect("(", "behind !: write !(…) or !exists(…)")
            piece = self._as_condition(self._inside_parentheses(), start, "!")
            return Piece(f"!{piece.text}", "condition")
        return self._comparison()

    def _comparison(self) -> Piece:
        start = self.offset
        left = self._sum()
        if mark := self.taken(*_COMPARISONS):
            self._as_value(left, start)
            behind = self.offset
            right = self._as_value(self._sum(), behind)
            if left.many and right.many:
                self.wide = True
                if self._filters and left.root == right.root == "$":
                    self.fail(
                        "a filter compares two sequences that begin with $; " + _SIMPLER, start
                    )
            return Piece(f"{left.text} {mark} {right.text}", "condition")
        if self.word("starts"):
            if not self.word("with"):
                self.fail("`with` is expected behind `starts`")
            self._as_value(left, start)
            return Piece(f"{left.text} starts with {quoted(self.string())}", "condition")
        if self.word("like_regex"):
            self._as_value(left, start)
            return Piece(f"{left.text} like_regex {self.regex()}", "condition")
        if self.word("is"):
            if not self.word("unknown"):
                self.fail("`unknown` is expected behind `is`")
            if left.kind != "condition" or not left.text.startswith("("):
                self.fail("`is unknown` needs a condition in parentheses before it", start)
            return Piece(f"{left.text} is unknown", "condition")
        return left

    def _exists(self) -> Piece:
        self.expect("(", "behind exists")
        start = self.offset
        piece = self._as_value(self._sum(), start)
        self.expect(")", "to close exists(")
        return Piece(f"exists({piece.text})", "condition")

    # Arithmetic

    def _sum(self) -> Piece:
        return self._binary(("+", "-"), lambda: self._binary(("*", "/", "%"), self._unary))

    def _binary(self, marks: tuple[str, ...], part: Callable[[], Piece]) -> Piece:
        self.skip_space()
        start = self.offset
        piece = part()
        while mark := self.taken(*marks):
            left = self._as_one(piece, start, mark)
            self.skip_space()
            start = self.offset
            right = self._as_one(part(), start, mark)
            piece = Piece(f"{left.text} {mark} {right.text}")
        return piece

    def _unary(self) -> Piece:
        if mark := self.taken("+", "-"):
            self.skip_space()
            start = self.offset
            self.deeper()
            piece = self._as_one(self._unary(), start, mark)
            self.nesting -= 1
            return Piece(f"{mark}{piece.text}")
        return self._path()

    # Paths

    def _path(self) -> Piece:
        self.skip_space()
        start = self.offset
        if self.taken("$"):
            return self._root(start)
        if self.taken("@"):
            if self._filters:
                return self._accessors(Piece("@", root="@"))
            if not self.bodies:
                message = "@ stands for the item of a filter, of each and of sort"
                self.fail(f"{message}, and this is in none", start)
            self.items += 1
            return self._accessors(Piece(f'$"{ITEM}"', root="@"))
        if self.taken("("):
            piece = self._inside_parentheses()
            if piece.kind == "condition":
                return piece
            piece = self._accessors(piece)
            self.scans = self.scans or piece.many
            return piece
        if self.text.startswith('"', start):
            return Piece(quoted(self.string()))
        if found := _NUMBER.match(self.text, start):
            self.offset = found.end()
            return Piece(found.group())
        return self._word_value(start)

    def _word_value(self, start: int) -> Piece:
        """Read what begins with a word."""
        for word in ("true", "false", "null"):
            if self.word(word):
                return Piece(word)
        if self.word("exists"):
            return self._exists()
        if called := self.call(start):
            return self._accessors(called)
        if not self.word("last"):
            self.fail("a path that begins with $. is expected")
        if not self._subscripts:
            self.fail("`last` stands for the last index, and this is not in [ … ]", start)
        return Piece("last")

    def _root(self, start: int) -> Piece:
        """Read what follows a ``$``, and note what it names."""
        names: list[str] = []
        piece = Piece("$", root="$")
        word = _NAME.match(self.text, self.offset)
        if word and word[0] == SECRETS:
            self.fail("a secret stands alone: ${ $secrets.NAME }, beside literals at most", start)
        if word and word[0] != CONFIG:
            self.fail(f"there is no ${word[0]}; write $.{word[0]}, or $config.{word[0]}", start)
        if word:
            self.offset = word.end()
            piece = replace(piece, text=f"$.{quoted(CONFIG)}")
        while True:
            before = self.offset
            name = self._member_name()
            if name is None:
                self.offset = before
                break
            names.append(name)
            piece = replace(piece, text=f"{piece.text}.{quoted(name)}")
        text = self.text[start : self.offset]
        self.references.append(Reference(tuple(names), text, word is not None))
        piece = self._accessors(piece)
        self.scans = self.scans or piece.many
        if piece.many and self._filters:
            self.wide = True
            if self._filters > 1:
                self.fail("a filter in a filter goes through a sequence from $; " + _SIMPLER, start)
        return piece

    def _member_name(self) -> str | None:
        """Read ``.name``, or nothing where another accessor or none follows."""
        if not self.taken("."):
            return None
        self.skip_space()
        if self.text.startswith('"', self.offset):
            return self.string()
        found = _NAME.match(self.text, self.offset)
        if not found:
            return None
        self.offset = found.end()
        return None if self.taken("(") else found.group()

    def _accessors(self, piece: Piece) -> Piece:
        while True:
            self.skip_space()
            if self.text.startswith(".", self.offset):
                piece = self._after_dot(piece)
            elif self.taken("["):
                piece = self._subscript(piece)
            elif self.taken("?"):
                self.expect("(", "behind ?")
                self._filters += 1
                start = self.offset
                test = self._as_condition(self.condition(), start, "?( … )")
                self._filters -= 1
                self.expect(")", "to close ?(")
                piece = replace(piece, text=f"{piece.text}?({test.text})", many=True)
            else:
                return piece

    def _after_dot(self, piece: Piece) -> Piece:
        """Read an accessor that begins with a dot, where one stands."""
        dot = self.offset
        name = self._member_name()
        if name is not None:
            return replace(piece, text=f"{piece.text}.{quoted(name)}")
        self.offset = dot + 1
        if self.taken("**"):
            self._descents += 1
            if self._descents > 1:
                self.fail("a path has one ** at most; " + _SIMPLER, dot)
            return replace(piece, text=f"{piece.text}.**{self.levels()}", many=True)
        if self.taken("*"):
            return replace(piece, text=f"{piece.text}.*", many=True)
        return self._method(piece)

    def _method(self, piece: Piece) -> Piece:
        self.skip_space()
        start = self.offset
        found = _NAME.match(self.text, start)
        if not found:
            self.fail('a name is expected behind the dot; write others in quotes: ."7th"')
        self.offset = found.end()
        name = found.group()
        if name not in METHODS:
            mend = did_you_mean(name, METHODS)
            self.fail(f"Postgres 15 has no method .{name}(){mend}", start)
        self.expect("(", "behind a method")
        argument = ""
        if name == "datetime" and not self.taken(")"):
            argument = quoted(self.string())
            self.expect(")", "to close .datetime(")
        elif name != "datetime":
            self.expect(")", f"to close .{name}(")
        text = f"{piece.text}.{name}({argument})"
        return replace(piece, text=text, many=piece.many or name == "keyvalue")

    def _subscript(self, piece: Piece) -> Piece:
        if self.taken("*"):
            self.expect("]", "to close [")
            return replace(piece, text=f"{piece.text}[*]", many=True)
        self._subscripts += 1
        parts: list[str] = []
        many = piece.many
        while True:
            parts.append(self._index())
            if self.word("to"):
                parts[-1] += f" to {self._index()}"
                many = True
            if not self.taken(","):
                break
            many = True
        self._subscripts -= 1
        self.expect("]", "to close [")
        self._copies *= len(parts)
        if self._copies > MAX_COPIES:
            self.fail("it repeats too much by subscripts with commas; " + _SIMPLER)
        return replace(piece, text=f"{piece.text}[{', '.join(parts)}]", many=many)

    def _index(self) -> str:
        self.skip_space()
        start = self.offset
        self.deeper()
        piece = self._as_one(self._sum(), start, "a subscript")
        self.nesting -= 1
        return piece.text

    # Small things

    def deeper(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.fail(f"it is nested deeper than {MAX_NESTING} levels; simplify it")

    def _inside_parentheses(self) -> Piece:
        """Read up to the closing parenthesis."""
        piece = self.condition()
        self.expect(")", "to close (")
        return Piece(f"({piece.text})", piece.kind, piece.many)

    def _as_condition(self, piece: Piece, start: int, where: str) -> Piece:
        if piece.kind != "condition":
            self.fail(f"{where} needs a condition here; write a comparison: … == true", start)
        return piece

    def _as_value(self, piece: Piece, start: int) -> Piece:
        if piece.kind != "value":
            self.fail("a value is needed here, and this is a condition", start)
        return piece

    def _as_one(self, piece: Piece, start: int, where: str) -> Piece:
        if self._as_value(piece, start).many:
            self.fail(f"{where} needs one number, and this gives an array", start)
        return piece
