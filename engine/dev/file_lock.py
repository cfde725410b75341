"""A lock file: one process at a time uses a folder."""

import fcntl
import os
from pathlib import Path
from typing import IO

from ..errors import ServerError


class FileLock:
    """Held from ``take`` to ``release``, or to the end of the process, however that comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self, what: str, hint: str) -> None:
        """Take the lock. Raises ServerError ``WHAT is in use by process N (HINT)``."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "another"
            file.close()
            raise ServerError(f"{what} is in use by process {holder}", hint=hint) from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def is_taken(self) -> bool:
        """Tell whether some process holds it."""
        try:
            with self.path.open("a+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return self.path.exists()
        return False
