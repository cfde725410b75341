"""The picture of a version of a workflow, as a part of a page: SVG without scripts and styles."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
from markupsafe import Markup

from ...engine.definition import Document, check_definition
from ...engine.definition.diagram.model import diagram_of
from ...engine.definition.diagram.svg import svg
from ...engine.errors import DefinitionError

MOST_STEPS = 150
"""Steps of what is drawn: more is not to be seen on a page, and takes long."""


def draw(name: str, definition: msgspec.Raw, order: Sequence[str]) -> Markup | None:
    """Return the picture; None where there is too much to draw."""
    return _draw(name, bytes(definition), tuple(order)) if len(order) <= MOST_STEPS else None


@lru_cache(maxsize=64)
def _draw(name: str, definition: bytes, order: tuple[str, ...]) -> Markup | None:
    try:
        checked = check_definition(Document.of(msgspec.json.decode(definition)))
    except DefinitionError:  # it is of a release whose language was another
        return None
    return Markup(svg(diagram_of(checked, order), name, alone=False))  # noqa: S704  it is escaped there
