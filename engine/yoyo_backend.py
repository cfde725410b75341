"""yoyo over a connection and a transaction of ours.

yoyo reads the files, orders them, and keeps the list of what was applied. What it does around that
is replaced: it would apply and mark in two transactions, so that a kill in between leaves a
migration applied but not marked; and its lock is a committed row, which a SIGKILL leaves behind.
"""

# yoyo's own annotations are too few for the strict mode.
# pyright: basic

import os
import platform
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import yoyo
from yoyo import internalmigrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri
from yoyo.migrations import Migration, topological_sort

from .errors import MigrationError


@dataclass(frozen=True, slots=True)
class File:
    """One migration: its name, where it is, and what yoyo made of it."""

    name: str
    path: Path
    migration: Any


class Backend(PostgresqlPsycopgBackend):
    """Keeps yoyo's tables in the first schema of the search path of ``conn`` (in autocommit)."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._given = conn
        super().__init__(parse_uri("postgresql+psycopg:///"), "_yoyo_migration")

    def connect(self, dburi: object) -> psycopg.Connection[Any]:
        """Take the connection we were given, instead of a new one."""
        return self._given

    def ensure_internal_schema_updated(self) -> None:
        """Make yoyo's tables, inside the transaction that is open."""
        if not self._internal_schema_updated:
            if internalmigrations.needs_upgrading(self):
                internalmigrations.upgrade(self)
            self._internal_schema_updated = True

    def get_log_data(
        self, migration: Migration | None = None, operation: str = "apply"
    ) -> dict[str, Any]:
        """Say who did it, without a look into the user database or DNS, which may not know us."""
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": os.environ.get("USER") or str(os.getuid()),
            "hostname": platform.node(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }

    def is_marked(self, file: File) -> bool:
        """Tell whether a migration was applied."""
        return bool(self.is_applied(file.migration))

    def apply_and_mark(self, file: File) -> None:
        """Apply one migration and mark it as applied, inside the transaction that is open."""
        assert self._in_transaction
        self.ensure_internal_schema_updated()
        file.migration.process_steps(self, "apply")
        self.mark_one(file.migration, log=False)
        self.log_migration(file.migration, "apply")


def read_migrations(folder: Path) -> list[File]:
    """Return the migrations in a folder, in their order. Raises MigrationError."""
    files: list[File] = []
    for migration in topological_sort(yoyo.read_migrations(str(folder))):
        migration.load()
        if not migration.use_transactions:
            raise MigrationError(f"{migration.id}: each migration must run in a transaction")
        files.append(File(migration.id, Path(migration.path), migration))
    return files
