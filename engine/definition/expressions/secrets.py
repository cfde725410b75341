"""Texts with secrets: ``Bearer ${ $secrets.TOKEN }``.

Postgres never sees a secret. In the tree such a text is null, and so it is in the stored input; the
step's spec says what to put there, and the worker does, after the claim. What would have to be
evaluated cannot stand in it, and no input is ever searched for one.
"""

import re
from typing import Any, NamedTuple, TypeAlias

from ...secrets import NAME, NAME_RULE
from .pieces import CONFIG, SECRETS
from .scanner import Scanner

Place: TypeAlias = tuple[str | int, ...]
"""Where a value stands within another: keys of objects, indexes of arrays."""

_BEGINS = re.compile(rf"\${SECRETS}\b(?!-)")
_BARE = re.compile(rf"\$({CONFIG}|{SECRETS})\.\w")


class Filled(NamedTuple):
    """A text that a worker puts together: literals, and secrets as {"secret": name}."""

    at: Place
    pointer: str
    parts: list[str | dict[str, str]]

    @classmethod
    def of(cls, at: Place, pointer: str, tree: dict[str, Any]) -> "Filled":
        """Make it of the tree of a text that names secrets."""
        parts = [
            {"secret": part["s"]} if "s" in part else part.get("v", "")
            for part in tree.get("c", [tree])
        ]
        return cls(at, pointer, parts)


def read_secret(scanner: Scanner) -> dict[str, str] | None:
    """Read what stands in ``${ … }`` as a secret, where it is one. Raises PathError."""
    scanner.skip_space()
    start = scanner.offset
    found = _BEGINS.match(scanner.text, start)
    if not found:
        return None
    scanner.offset = found.end()
    scanner.expect(".", "behind $secrets: write $secrets.NAME")
    name = NAME.match(scanner.text, scanner.offset)
    if not name:
        scanner.fail(f"the name of a secret is {NAME_RULE}")
    scanner.offset = name.end()
    scanner.skip_space()
    if not scanner.text.startswith("}", scanner.offset):
        scanner.fail(f"$secrets.{name[0]} is given as it is: no path, no function stands behind it")
    return {"s": name[0]}


def names_secret(tree: dict[str, Any]) -> bool:
    """Return whether the tree of a text names a secret."""
    return any("s" in part for part in tree.get("c", [tree]))


def secret_fault(tree: dict[str, Any]) -> str | None:
    """Return what is wrong with the tree of a text that names secrets."""
    if all("s" in part or "v" in part for part in tree.get("c", [tree])):
        return None
    return (
        "a text with a secret holds literals and secrets alone, for it is put together by the "
        "worker; give what else stands in it as an input of its own"
    )


def forgotten_braces(text: str) -> str | None:
    """Return what is wrong with a text that would go out as it stands."""
    found = _BARE.match(text)
    if not found:
        return None
    return (
        f"this would be a plain text; write ${{ ${found[1]}.NAME }}, or $${found[1]} for the text "
        "itself"
    )
