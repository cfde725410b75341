"""Characters that no font has: Typst sets a box for them and says nothing."""

import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import typst
from pypdf import PdfReader

_MISSING: Final = "\0"
"""As what pypdf reads a glyph that no character belongs to."""

_PROBE: Final = b"""#set page(width: 90pt, height: 40pt, margin: 4pt)
#for (n, character) in json(bytes(sys.inputs.characters)).enumerate() {
  if n > 0 { pagebreak() }
  character
}"""

_known: dict[tuple[str, ...], set[str]] = {}
"""By folders of fonts: characters that are known to be there. Asked of Typst once a process."""


def lacking(text: str, fonts: Sequence[Path]) -> list[str]:
    """Return the characters of ``text`` that neither Typst's own fonts nor these folders' have."""
    known = _known.setdefault(tuple(map(str, fonts)), set())
    asked = sorted({c for c in text if not c.isascii()} - known)
    if not asked or not has_gaps(_probe(["".join(asked)], fonts)):
        known.update(asked)
        return []
    missing = [
        character
        for character, page in zip(asked, _texts(_probe(asked, fonts)), strict=True)
        if _MISSING in page
    ]
    known.update(set(asked) - set(missing))
    return missing


def has_gaps(pdf: bytes) -> bool:
    """Return whether a PDF of Typst's shows a character that its fonts lack."""
    return any(_MISSING in text for text in _texts(pdf))


def _probe(texts: Sequence[str], fonts: Sequence[Path]) -> bytes:
    """Return a PDF with each text on a page of its own."""
    return typst.compile(
        _PROBE,
        font_paths=[*fonts],  # pyright: ignore[reportArgumentType] - the stub wants bytes
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"characters": json.dumps(texts)},
    )


def _texts(pdf: bytes) -> Iterable[str]:
    return (page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
