"""Migrations give way: nobody stands behind a migrate that waits for a long transaction."""

import threading
from pathlib import Path

from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

from ..servers import Database
from ..support import wait_until


def test_a_reader_behind_a_waiting_migrate_is_let_through(
    empty_database: Database, tmp_path: Path
) -> None:
    (tmp_path / "migrations").mkdir()
    settings = Settings(dsn=empty_database.dsn)
    first = "create schema onceflow; create table onceflow.thing (id int);"
    (tmp_path / "migrations" / "0001-first.sql").write_text(first)
    migrate(settings, folder=tmp_path)
    second = "alter table onceflow.thing add name text;"
    (tmp_path / "migrations" / "0002-second.sql").write_text(second)
    with empty_database.connect() as holder, empty_database.connect() as reader:
        with holder.transaction():
            holder.execute("select * from onceflow.thing")
            thread = threading.Thread(target=migrate, args=(settings,), kwargs={"folder": tmp_path})
            thread.start()
            waiting = (
                "select 1 from pg_stat_activity where datname = current_database()"
                " and wait_event_type = 'Lock' and application_name = 'onceflow migrate'"
            )
            wait_until(lambda: reader.execute(waiting).fetchone(), "migrate to wait for the lock")
            reader.execute("set statement_timeout = '10s'")
            assert reader.execute("select count(*) from onceflow.thing").fetchone() == (0,)
        thread.join(60)
        assert reader.execute("select count(name) from onceflow.thing").fetchone() == (0,)
