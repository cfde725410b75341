"""What the schema of a database has of the migrations of this release.

Apart from migrate, whose libraries only those need who migrate.
"""

import logging
import threading
import time
from pathlib import Path
from typing import Any, cast

import psycopg

from ... import sql
from ..errors import MigrationError
from ..pool import connect, place_of
from ..settings import Settings

log = logging.getLogger("onceflow.migrate")


def known_migrations(folder: Path = sql.FOLDER) -> frozenset[str]:
    """Return the names of the migrations of this release, or of ``folder``."""
    return frozenset(path.stem for path in (folder / "migrations").glob("*.sql"))


def wait_for_schema(
    settings: Settings,
    name: str,
    *,
    folder: Path = sql.FOLDER,
    wait: float | None = None,
    stop: threading.Event | None = None,
    own_session: bool = False,
) -> None:
    """Wait until all migrations of this release are applied, and say so meanwhile.

    A newer schema is fine: each release keeps working on that of the next one, so that processes
    can be upgraded one after the other. ``wait``, ``stop``, ``own_session`` and errors as in
    ``pool.connect``; raises MigrationError where the wait is over.
    """
    stop = stop or threading.Event()
    deadline = None if wait is None else time.monotonic() + wait
    known = known_migrations(folder)
    said: frozenset[str] = frozenset()
    with connect(settings, name, wait=wait, stop=stop, own_session=own_session) as conn:
        while True:
            missing = known - read_contents(conn).keys()
            if not missing:
                return
            if deadline is not None and time.monotonic() >= deadline:
                raise MigrationError(
                    f"the schema in {place_of(settings.dsn)} lacks {', '.join(sorted(missing))}",
                    hint="run `onceflow migrate`",
                )
            if missing != said:
                log.warning(
                    "waiting for `onceflow migrate` on %s (missing: %s)",
                    place_of(settings.dsn),
                    ", ".join(sorted(missing)),
                )
                said = missing
            if stop.wait(0.5):
                raise MigrationError("stopped while waiting for `onceflow migrate`")


def read_contents(conn: psycopg.Connection[Any]) -> dict[str, str]:
    """Return the name and content hash of every migration that is applied."""
    if not is_there(conn, "onceflow_migrations.content"):
        return {}
    rows = conn.execute("select migration, sha256 from onceflow_migrations.content").fetchall()
    return dict(cast(list[tuple[str, str]], rows))


def is_there(conn: psycopg.Connection[Any], table: str) -> bool:
    """Return whether a table of this name, with its schema, is in the database."""
    found = conn.execute("select pg_catalog.to_regclass(%s) is not null", (table,)).fetchone()
    return found is not None and bool(found[0])
