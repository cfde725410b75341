"""Secrets of a worker: out of a folder of files, as they are mounted, and of the environment.

A file is read anew for each attempt, so that a secret is changed without a restart, and wins over a
variable of the same name. Names are those of variables, so none leads out of the folder.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .redact import keep_named_secret

PREFIX: Final = "ONCEFLOW_SECRET_"
FOLDER: Final = "ONCEFLOW_SECRETS_DIR"
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
"""The name of a secret, and of a value of the configuration."""
NAME_RULE: Final = "a letter or _, then up to 63 letters, digits or _"
LIMIT: Final = 64 * 1024
"""Bytes of a secret."""
MOST_NAMES: Final = 200
"""Secrets that a worker tells of; more are used all the same."""


class SecretMissing(Exception):
    """The secret cannot be had here; the text says why, and what is to be done."""


def how_to_give(name: str, whose: str = "worker") -> str:
    """Tell how a worker, or another process, gets a secret."""
    return (
        f"put a file {name} into the {whose}'s {FOLDER}, which is read anew, or set {PREFIX}{name} "
        "and restart it"
    )


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a process may read: the files of ``folder``, and ``variables`` by the secrets' names."""

    folder: Path | None
    variables: Mapping[str, str]

    def read(self, name: str, whose: str = "worker") -> str:
        """Return a secret; from now on it is masked in what is told. Raises SecretMissing.

        ``whose`` secret it is, the error says.
        """
        if not NAME.fullmatch(name):  # whoever registers by SQL may write any
            raise SecretMissing(f"{name[:100]!r} is no name of a secret: that is {NAME_RULE}")
        value = self._read_file(name)
        if value is None:
            value = self.variables.get(name, "")
        if not value.strip():
            raise SecretMissing(f"there is no secret {name}: {how_to_give(name, whose)}")
        keep_named_secret(name, value)
        return value

    def names(self) -> list[str]:
        """Return the names of those that are most likely there; of very many the first."""
        found = {name for name, value in self.variables.items() if value.strip()}
        if self.folder is not None:
            try:
                with os.scandir(self.folder) as entries:
                    found |= {entry.name for entry in entries if _is_secret(entry)}
            except OSError:  # read() tells why
                pass
        return sorted(found)[:MOST_NAMES]

    def _read_file(self, name: str) -> str | None:
        """Return what the file of a secret holds; None where there is none."""
        if self.folder is None:
            return None
        try:
            # Not blocking: a pipe that nobody writes to would hold the handler for ever.
            number = os.open(self.folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(name, str(error.strerror)) from None
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise _unreadable(name, "it is no file")
            with os.fdopen(number, "rb", closefd=False) as file:
                content = file.read(LIMIT + 1)
        except OSError as error:
            raise _unreadable(name, str(error.strerror)) from None
        finally:
            os.close(number)
        if len(content) > LIMIT:
            raise _unreadable(name, f"it has more than {LIMIT} bytes")
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise _unreadable(name, "it is not UTF-8") from None
        text = text.removesuffix("\n").removesuffix("\r")
        if not text.strip():
            raise _unreadable(name, "it is empty")
        return text


def _unreadable(name: str, why: str) -> SecretMissing:
    return SecretMissing(f"the file of the secret {name} in {FOLDER} cannot be read: {why}")


def _is_secret(entry: os.DirEntry[str]) -> bool:
    if not NAME.fullmatch(entry.name):
        return False
    try:
        found = entry.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and 0 < found.st_size <= LIMIT
