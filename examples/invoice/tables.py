"""Makes the example's tables: ``python -m onceflow.examples.invoice.tables [--worker=ROLE]``."""

import argparse
import sys
from pathlib import Path

from psycopg import sql

from ...engine.logs import set_up_logging
from ...engine.pool import connect
from ...engine.settings import Settings, load_settings

TABLES = Path(__file__).with_name("tables.sql")


GRANTS = """
    grant usage on schema shop to {0};
    grant select, insert, update on all tables in schema shop to {0}"""


def make_tables(settings: Settings, *, worker: str = "", wait: float | None = 0) -> None:
    """Make the tables that are missing, for a ``worker`` of this role, unless it owns them.

    ``wait`` and ServerError as in ``pool.connect``.
    """
    with connect(settings, "invoice tables", wait=wait) as connection:
        connection.execute(TABLES.read_bytes())
        if worker:
            connection.execute(sql.SQL(GRANTS).format(sql.Identifier(worker)))


if __name__ == "__main__":
    set_up_logging("info")
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", default="", help="the role of workers, which write to them")
    make_tables(load_settings(), worker=parser.parse_args().worker, wait=60)
    sys.exit(0)
