"""What reading a path gives: pieces in their sure form, and what these name."""

from dataclasses import dataclass
from typing import Literal

CONFIG, SECRETS = "config", "secrets"
"""What stands behind a dollar sign without a dot: values of the deployment, and of its workers."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What one ``$`` in a path names: the members that follow it, up to any other accessor.

    ``config``: these are of the deployment's configuration, and not of the instance.
    """

    names: tuple[str, ...]
    text: str
    config: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a path in its sure form.

    ``many``: gives any number of values; otherwise exactly one, or an error. ``root``: the mark
    that a path begins with, ``$`` or ``@``.
    """

    text: str
    kind: Literal["value", "condition"] = "value"
    many: bool = False
    root: str = ""
