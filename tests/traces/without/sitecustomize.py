"""Makes a process one in whose environment the extra ``otel`` was not installed."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MISSING = ("opentelemetry.sdk", "opentelemetry.exporter")


class NotInstalled(MetaPathFinder):
    """Finds nothing of the extra, as where it is not there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise what the import of a module raises that is not there."""
        if fullname.startswith(MISSING):
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


sys.meta_path.insert(0, NotInstalled())
