"""Which files of this machine tasks may read, as an operator has decided."""

import errno
import os
import stat
from pathlib import Path

from .. import PermanentError, RetryableError

DATA_FOLDER = ".onceflow"
"""Name of the folder in which `onceflow dev` keeps databases, logs and credentials."""
NEVER = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO, errno.EISDIR})
"""Reasons for which a path is no file today or later: too long, a link, a device, a folder."""


def data_folder() -> Path:
    """Return the folder of ONCEFLOW_DATA, links followed."""
    return Path(os.environ.get("ONCEFLOW_DATA") or DATA_FOLDER).resolve()


def pdf_folder() -> Path:
    """Return the folder in which ``pdf.render`` writes: of the data, what tasks may read."""
    return (data_folder() / "pdf").resolve()


def allowed_folders() -> list[Path]:
    """Return the folders of ONCEFLOW_FILES (separated as in PATH), else that of ``pdf.render``."""
    named = os.environ.get("ONCEFLOW_FILES", "")
    folders = [Path(part).resolve() for part in named.split(os.pathsep) if part]
    return folders or [pdf_folder()]


def read_allowed(path: str, code: str, limit: int, too_large: str) -> tuple[str, bytes]:
    """Return name and content of the file at ``path``, which an instance's data may have named.

    Raises PermanentError with ``code`` where it lies outside of the allowed folders, links
    followed, or is no ordinary file; with ``too_large`` where it has more than ``limit`` bytes;
    RetryableError where this machine cannot read it now.
    """
    try:
        resolved = Path(path).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise PermanentError(f"{path!r} cannot be a file: {error}", code=code) from error
    _require_allowed(path, resolved, code)
    try:
        # No link is followed any more, and a device or a pipe is not waited for.
        handle = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        message = f"there is no file {path!r} on this worker's machine"
        raise PermanentError(message, code=code) from None
    except OSError as error:
        message = f"{path!r} cannot be read: {error.strerror}"
        if error.errno in NEVER:
            raise PermanentError(message, code=code) from error
        raise RetryableError(message, code=code) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise PermanentError(f"{path!r} is no ordinary file", code=code)
        # Asked of what was opened: a folder on the way may have become a link meanwhile.
        opened = Path(f"/proc/self/fd/{handle}")
        if opened.is_symlink():
            _require_allowed(path, opened.readlink(), code)
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(handle)
    if len(content) > limit:
        raise PermanentError(
            f"{path!r} has more bytes than are left of the limit: {limit}", code=too_large
        )
    return resolved.name, content


def _require_allowed(path: str, file: Path, code: str) -> None:
    folders = allowed_folders()
    around = [folder for folder in folders if file.is_relative_to(folder) and file != folder]
    if not around:
        raise PermanentError(
            f"{path!r} lies outside of {', '.join(map(str, folders))}; an operator may allow its "
            "folder in ONCEFLOW_FILES",
            code=code,
        )
    # A folder allowed by name may lie inside of the data; one around the data does not open them.
    if not any(_is_open(file, folder) for folder in around):
        raise PermanentError(
            f"{path!r} lies in a folder in which Onceflow keeps its own data", code=code
        )


def _is_open(file: Path, folder: Path) -> bool:
    """Return whether no folder of data lies between the allowed ``folder`` and the ``file``."""
    data = data_folder()
    inside = file.is_relative_to(data) and (folder == data or not folder.is_relative_to(data))
    return not inside and DATA_FOLDER not in file.relative_to(folder).parts
