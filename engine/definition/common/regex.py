"""Which patterns of ``like_regex`` are let through.

Postgres compiles a pattern when it reads the path that holds it, so a pattern that it refuses would
stop the path at run time. This takes the part of its grammar that every release from 15 on knows:

    branch ('|' branch)*       branch := (atom [quantifier])*
    atom       := a character, . ^ $, an escape, [class], (pattern), (?:pattern)
    quantifier := * + ? {n} {n,} {n,m}, each with ? behind it for the shortest match
"""

import re

MAX_REPEAT = 255
MAX_SIZE = 2000
MAX_NESTING = 10

_ESCAPE = re.compile(r"\\[dswDSWnrt\\\[\]^.$*+?(){}|/-]")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(?P<least>\d{1,3})(?:,(?P<most>\d{0,3}))?\})\??", re.ASCII)
_IN_CLASS = re.compile(
    r"\\(?P<set>[dsw])|\\(?P<escaped>[\\\[\]^.$*+?(){}|/-])|(?P<plain>[^\\\[\]-])"
)


def regex_fault(pattern: str) -> str | None:
    """Return what is wrong with a pattern, to stand behind "the pattern", or None."""
    try:
        size, offset = _alternatives(pattern, 0, 0)
    except ValueError as error:
        return str(error)
    if offset < len(pattern):
        return "has a ) that closes nothing; write \\\\) for the character"
    return "is too large; shorten it or its repetitions" if size > MAX_SIZE else None


def _alternatives(pattern: str, offset: int, nesting: int) -> tuple[int, int]:
    """Read up to the end or a closing parenthesis; return its size and where it ends.

    The size is the number of atoms with all repetitions written out. Raises ValueError.
    """
    if nesting > MAX_NESTING:
        raise ValueError("has too many parentheses in each other; simplify it")
    size = 0
    while offset < len(pattern) and pattern[offset] != ")":
        if pattern[offset] == "|":
            offset += 1
            continue
        repeatable = pattern[offset] not in "^$"
        atom, offset = _atom(pattern, offset, nesting)
        found = _QUANTIFIER.match(pattern, offset)
        if found and repeatable:
            atom *= _repeats(found)
            offset = found.end()
        size += atom
    return size, offset


def _atom(pattern: str, offset: int, nesting: int) -> tuple[int, int]:
    character = pattern[offset]
    if character == "(":
        inside = offset + (3 if pattern.startswith("(?:", offset) else 1)
        size, end = _alternatives(pattern, inside, nesting + 1)
        if end == len(pattern):
            raise ValueError("has a ( that nothing closes; write \\\\( for the character")
        return max(size, 1), end + 1
    if character == "[":
        return 1, _class(pattern, offset + 1)
    if character == "\\":
        found = _ESCAPE.match(pattern, offset)
        if not found:
            raise ValueError(f"has the escape {pattern[offset : offset + 2]}, which is not known")
        return 1, found.end()
    if character in "*+?{":
        raise ValueError(f"repeats nothing at {character}; write \\\\{character} for the character")
    if character in "]}":
        raise ValueError(f"has a {character} that closes nothing; write \\\\{character}")
    return 1, offset + 1


def _repeats(found: re.Match[str]) -> int:
    least, most = found["least"], found["most"]
    if least is None:
        return 1
    numbers = [int(n) for n in (least, most) if n]
    if max(numbers) > MAX_REPEAT or sorted(numbers) != numbers:
        raise ValueError(f"repeats by {found.group()}; both up to {MAX_REPEAT}, the smaller first")
    return max(*numbers, 1)


def _class(pattern: str, offset: int) -> int:
    """Read a class behind its [ and return where it ends."""
    if pattern.startswith("^", offset):
        offset += 1
    first = True
    while not pattern.startswith("]", offset) or first:
        if pattern.startswith("-", offset) and (first or pattern.startswith("-]", offset)):
            offset, first = offset + 1, False
            continue
        low, offset = _class_member(pattern, offset)
        first = False
        if pattern.startswith("-", offset) and not pattern.startswith("-]", offset):
            high, offset = _class_member(pattern, offset + 1)
            if not low or not high or low > high:
                raise ValueError("has a range in [ ] that runs backwards or has no ends")
            if pattern.startswith("-", offset) and not pattern.startswith("-]", offset):
                raise ValueError("has two ranges in one in [ ]; write \\\\- for the character")
    return offset + 1


def _class_member(pattern: str, offset: int) -> tuple[str, int]:
    """Return a character of a class (empty for a set such as \\d), and where it ends."""
    found = _IN_CLASS.match(pattern, offset)
    if not found:
        raise ValueError("has a class [ ] that is empty, open, or needs \\\\ before - [ or ]")
    return found["escaped"] or found["plain"] or "", found.end()
