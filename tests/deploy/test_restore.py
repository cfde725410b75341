"""What docs/backup.md says is done: a dump, restored into a new server, goes on."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition
from onceflow.engine.dev.postgres import EmbeddedPostgres

from ..servers import Database, start_postgres
from ..sql.play import Play, end_grace, execute, pass_time, tick

PAGE = (Path(__file__).parents[2] / "docs" / "backup.md").read_text()


@pytest.fixture
def new_server() -> Iterator[EmbeddedPostgres]:
    with ExitStack() as stack:
        yield start_postgres(stack)


def run(server: EmbeddedPostgres, program: str, *arguments: str, given: bytes = b"") -> bytes:
    done = subprocess.run(
        [str(server.binaries / program), *arguments],
        input=given,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def after_a_restore() -> str:
    """Return the statement that the page has typed after a logical restore."""
    (found,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    return found


def test_a_dump_restored_into_a_new_server_goes_on_where_it_was(
    database: Database, new_server: EmbeddedPostgres
) -> None:
    steps = [{"id": "a", "task": "work"}, {"id": "b", "task": "work"}]
    with closing(database.connect()) as conn:
        play = Play(conn)
        workflow = play.deploy(compile_definition({"name": "two", "steps": steps}))
        waits, runs, over = (play.start(workflow) for _ in range(3))
        play.take(runs, "a")
        play.complete(over, "a", "b")
    dump = run(new_server, "pg_dump", "--format=custom", "--no-owner", database.dsn)
    run(new_server, "pg_restore", "--no-owner", f"--dbname={new_server.dsn}", given=dump)

    with closing(psycopg.connect(new_server.dsn, autocommit=True)) as conn:
        assert calls.check_instances(conn) == []
        # What ran belongs to workers that are not there any more, whose leases are over.
        execute(conn, "update onceflow.worker set lease_until = now() - interval '1 hour'")
        end_grace(conn)
        while tick(conn).lost_workers:
            pass
        pass_time(conn, "1 minute")  # until the next attempt of what was lost
        tick(conn)
        execute(conn, after_a_restore())
        play = Play(conn)
        for instance in (waits, runs):
            play.complete(instance, "a", "b")
        assert {play.state(i) for i in (waits, runs, over)} == {"SUCCEEDED"}
        assert calls.check_instances(conn) == []
