"""yoyo over a connection and a transaction of ours.

By itself yoyo applies a migration on one connection and marks it on another, so that a kill in
between leaves it applied but not marked, and it locks by a committed row, which a SIGKILL leaves
behind. Within one transaction that holds a lock of ours neither can be.
"""

# yoyo's own annotations are too few for the strict mode.
# pyright: basic

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yoyo
from yoyo import internalmigrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.migrations import topological_sort

from ..errors import MigrationError


@dataclass(frozen=True, slots=True)
class File:
    """One migration: its name, the hash of its content, and what yoyo made of it."""

    name: str
    digest: str
    migration: Any


class Backend(PostgresqlPsycopgBackend):
    """Keeps yoyo's tables in the first schema of the search path of ``conn`` (in autocommit)."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._given = conn
        super().__init__(parse_uri("postgresql+psycopg:///"), "_yoyo_migration")

    def connect(self, dburi: object) -> psycopg.Connection[Any]:
        """Take the connection we were given, instead of a new one."""
        return self._given

    def make_tables(self) -> None:
        """Make yoyo's tables where they are not there, inside the transaction that is open."""
        if internalmigrations.needs_upgrading(self):
            internalmigrations.upgrade(self)

    def is_marked(self, file: File) -> bool:
        """Tell whether a migration was applied."""
        return self.is_applied(file.migration)

    def apply_and_mark(self, file: File) -> None:
        """Apply one migration and mark it as applied, inside the transaction that is open."""
        file.migration.process_steps(self, "apply")
        self.mark_one(file.migration, log=False)


def read_migrations(folder: Path) -> list[File]:
    """Return the migrations in a folder, in their order. Raises MigrationError."""
    files: list[File] = []
    for migration in topological_sort(yoyo.read_migrations(str(folder))):
        migration.load()
        if not migration.use_transactions:
            raise MigrationError(f"{migration.id}: each migration must run in a transaction")
        digest = hashlib.sha256(Path(migration.path).read_bytes()).hexdigest()
        files.append(File(migration.id, digest, migration))
    return files
