"""Which files of ours a worker runs by, and whether one of them has changed.

They are looked at by their times: that works on every disk, and needs no library.
"""

import importlib.util
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = tuple[int, int]
"""Time of the last change in nanoseconds, and size."""


class Sources:
    """Files that are watched: the Python of some modules, and single ones besides."""

    def __init__(self, modules: Sequence[str], files: Iterable[Path] = ()) -> None:
        self._modules = list(modules)
        self._files = list(files)
        self._seen = self._look()

    def changed(self) -> list[Path]:
        """Return what has come, gone or changed since the last call."""
        before, self._seen = self._seen, self._look()
        return sorted(
            path
            for path in before.keys() | self._seen.keys()
            if before.get(path) != self._seen.get(path)
        )

    def _look(self) -> dict[Path, Stamp]:
        found: dict[Path, Stamp] = {}
        for path in (*self._files, *(p for module in self._modules for p in _python_of(module))):
            try:
                told = path.stat()
            except OSError:  # it went meanwhile
                continue
            found[path] = told.st_mtime_ns, told.st_size
        return found


def _python_of(module: str) -> Iterable[Path]:
    """Return the files of a module's package; of one that stands alone, those beside it.

    Nothing is imported. Where there is no such module yet, it may come into the current folder.
    """
    importlib.invalidate_caches()
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        spec = None
    if spec is not None and spec.submodule_search_locations:
        return [p for place in spec.submodule_search_locations for p in Path(place).rglob("*.py")]
    beside = Path(spec.origin).parent if spec is not None and spec.origin else Path.cwd()
    return beside.glob("*.py")
