"""Which files of this machine tasks may read, as an operator has decided."""

import os
from pathlib import Path

from ..handlers.errors import PermanentError


def allowed_folders() -> list[Path]:
    """Return the folders of ONCEFLOW_FILES (separated as in PATH), else that of ONCEFLOW_DATA."""
    named = os.environ.get("ONCEFLOW_FILES", "")
    folders = [part for part in named.split(os.pathsep) if part]
    if not folders:
        folders = [os.environ.get("ONCEFLOW_DATA") or ".onceflow"]
    return [Path(folder).resolve() for folder in folders]


def require_allowed(path: str, code: str) -> Path:
    """Return the file at ``path``, which an instance's data may have named.

    Raises PermanentError with ``code`` where it lies outside of the allowed folders, links
    followed, or is no file.
    """
    try:
        resolved = Path(path).resolve()
        is_file = resolved.is_file()
    except (OSError, ValueError) as error:
        raise PermanentError(f"{path!r} cannot be a file: {error}", code=code) from error
    folders = allowed_folders()
    if not any(resolved.is_relative_to(folder) for folder in folders):
        raise PermanentError(
            f"{path} lies outside of {', '.join(map(str, folders))}; an operator may allow its "
            "folder in ONCEFLOW_FILES",
            code=code,
        )
    if not is_file:
        raise PermanentError(f"there is no file {path} on this worker's machine", code=code)
    return resolved
