"""Makes the example's tables: ``python -m onceflow.examples.invoice.tables``."""

import sys
from pathlib import Path

from ...engine.logs import set_up_logging
from ...engine.pool import connect
from ...engine.settings import Settings, load_settings

TABLES = Path(__file__).with_name("tables.sql")


def make_tables(settings: Settings, *, wait: float | None = 0) -> None:
    """Make the tables that are missing; ``wait`` and ServerError as in ``pool.connect``."""
    with connect(settings, "invoice tables", wait=wait) as connection:
        connection.execute(TABLES.read_bytes())


if __name__ == "__main__":
    set_up_logging("info")
    make_tables(load_settings(), wait=60)
    sys.exit(0)
