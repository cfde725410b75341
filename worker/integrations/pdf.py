"""``pdf.render``: a PDF from a Typst template; and ``write_pdf`` for tasks of your own."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import typst

from ...engine import json_text
from .. import Context, PermanentError, RetryableError, task
from .files import DATA_FOLDER, pdf_folder
from .glyphs import has_gaps, lacking

TEMPLATES = "ONCEFLOW_TEMPLATES"
"""Names the folder of the templates; ``templates`` in the working directory unless set."""

NAMED = 10
"""Characters that an error names."""

FONTS = "ONCEFLOW_FONTS"
"""Names folders of fonts, with colons between them, besides the folder of the template."""


@task("pdf.render")
def render(template: str, ctx: Context, data: Any = None) -> dict[str, Any]:
    """Render a template and return ``{"path", "bytes", "sha256"}``.

    ``template`` is a file below the folder of templates; ``data`` reaches it as JSON text:
    ``#let data = json(bytes(sys.inputs.data))``. The file lies in ``pdf`` below ONCEFLOW_DATA,
    named after the task's idempotency key: each attempt writes the same file. A template that is
    not there (``pdf.no_template``), fails on the data (``pdf.failed``) or shows characters that no
    font has (``pdf.glyphs``) is a permanent failure.
    """
    source = _template(template)
    target = pdf_folder() / file_name(ctx.key)
    # The instance's id holds its time: the same in every attempt, and so are the bytes.
    content = write_pdf(source, data, target, timestamp=ctx.instance_id.int >> 80)
    return {
        "path": str(target),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _template(name: str) -> Path:
    """Return the file of a template. Raises PermanentError for what lies elsewhere."""
    folder = Path(os.environ.get(TEMPLATES) or "templates").resolve()
    try:
        source = (folder / name).resolve()
        found = source.is_relative_to(folder) and source.is_file()
    except (OSError, ValueError, RuntimeError):  # a NUL, a name too long, links in a circle
        found, source = False, folder
    if not found or DATA_FOLDER in source.relative_to(folder).parts:
        raise PermanentError(
            f"there is no template {name[:200]!r} below {folder}", code="pdf.no_template"
        )
    return source


def write_pdf(source: Path, data: Any, target: Path, *, timestamp: int | None = None) -> bytes:
    """Render the template ``source`` with ``data`` to ``target``, and return the PDF.

    ``data`` is anything that has a JSON form; a Decimal keeps its digits only as text, for Typst
    reads numbers as floats. Fonts are those inside of Typst, beside the template, or in the folders
    of ONCEFLOW_FONTS, never this machine's. ``timestamp`` is the creation date in milliseconds
    since 1970. The file is there whole or not at all. Raises PermanentError (``pdf.failed``)
    with Typst's words, or with the characters that no font has (``pdf.glyphs``), RetryableError
    (``pdf.not_written``) where this machine cannot write it now.
    """
    fonts, text = [source.parent, *_font_folders()], json_text.encode(data)
    try:
        content = typst.compile(
            source,
            root=source.parent,
            font_paths=list(fonts),
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"data": text},
            timestamp=None if timestamp is None else timestamp // 1000,
        )
    except typst.TypstError as error:
        hints = "; ".join([error.message, *error.hints])
        raise PermanentError(f"{source.name}: {hints}", code="pdf.failed") from error
    _require_glyphs(source, text, fonts, content)
    try:
        _write(target, content)
    except OSError as error:
        told = f"{target} cannot be written: {error.strerror or error}"
        raise RetryableError(told, code="pdf.not_written") from error
    return content


def _font_folders() -> list[Path]:
    return [Path(name) for name in os.environ.get(FONTS, "").split(os.pathsep) if name]


def _require_glyphs(source: Path, data: str, fonts: list[Path], pdf: bytes) -> None:
    """Raise PermanentError where the PDF shows a box in place of a character.

    What the data merely has is not what is shown, so both are looked at.
    """
    given = data + source.read_text(encoding="utf-8", errors="replace")
    missing = lacking(given, fonts)
    if not missing or not has_gaps(pdf):
        return
    named = ", ".join(f"{c} (U+{ord(c):04X})" for c in missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    raise PermanentError(
        f"{source.name}: no font has the characters {named}{more}; put one that has them beside "
        f"the template, or into a folder that {FONTS} names",
        code="pdf.glyphs",
    )


def _write(target: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".pdf-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def file_name(key: str) -> str:
    """Return the name of the file of a task: its key, in letters that every file system takes.

    Two keys never have one name: what letters were replaced, or cut off, a digest tells.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", key)[:150]
    if plain != key.replace("/", "_", 1):
        plain += "-" + hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"{plain}.pdf"
