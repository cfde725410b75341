"""Behind PgBouncer in transaction mode: api and commands work, workers and relays refuse."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2
import psycopg
import pytest

from onceflow.client import AsyncClient, Client
from onceflow.engine.calls import cancel_instances, register_workflow, start_instances
from onceflow.engine.errors import SessionNeeded
from onceflow.engine.migrate import migrate
from onceflow.engine.pool import connect, open_pool
from onceflow.engine.sessions import steady
from onceflow.engine.settings import Settings

from ..api.definitions import ONE
from ..api.server import running_api
from ..pooler import needs_pgbouncer, pgbouncer
from ..servers import Database
from ..sql.workflows import Step, fields, path, workflow

pytestmark = needs_pgbouncer
YAML = {"content-type": "application/yaml"}
SETTINGS = (
    "search_path",
    "statement_timeout",
    "lock_timeout",
    "default_transaction_isolation",
    "extra_float_digits",
    "intervalstyle",
)


@pytest.fixture
def pooled(settings: Settings) -> Iterator[Settings]:
    """The settings, through a pooler of three sessions."""
    with pgbouncer(settings.dsn) as dsn:
        yield replace(settings, dsn=dsn)


def shown(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the settings of the session that a transaction of ``conn`` gets."""
    rows = conn.execute("select current_setting(n) from unnest(%s::text[]) n", (list(SETTINGS),))
    return [value for (value,) in rows]


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("ONCEFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "onceflow", *arguments],
        env=env | settings.environment(),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_what_one_process_asks_for_is_not_done_by_another(pooled: Settings) -> None:
    """Prepared statements of two processes had the same names: suspend ran cancel."""
    with running_api(pooled) as one, running_api(pooled) as other:
        assert httpx2.post(f"{one.url}/workflows", content=ONE, headers=YAML).status_code == 201

        def start() -> str:
            return httpx2.post(f"{one.url}/workflows/one/start").json()["id"]

        held = [start() for _ in range(4)]
        ended = [start() for _ in range(4)]
        stop = threading.Event()

        def hold(instance: str) -> list[int]:
            verbs = ["suspend", "resume"] * 20
            return [httpx2.post(f"{one.url}/instances/{instance}/{v}").status_code for v in verbs]

        def cancel(instance: str) -> None:
            while not stop.is_set():
                httpx2.post(f"{other.url}/instances/{instance}/cancel")

        with ThreadPoolExecutor(8) as clients:
            cancelling = [clients.submit(cancel, instance) for instance in ended]
            answered = [code for codes in clients.map(hold, held) for code in codes]
            stop.set()
            for done in cancelling:
                done.result()
        assert set(answered) == {200}
        assert {httpx2.get(f"{one.url}/instances/{of}").json()["status"] for of in held} == {
            "RUNNING"
        }


def test_settings_that_others_left_in_a_session_are_not_ours(settings: Settings) -> None:
    with pgbouncer(settings.dsn, size=1) as dsn:
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as left:
            left.execute("set datestyle = 'SQL, DMY'; set timezone = 'Asia/Kolkata'")
            left.execute(
                "set search_path = pg_temp; set default_transaction_isolation = serializable"
            )
            left.execute("set extra_float_digits = -15; set default_transaction_read_only = on")
            left.execute(
                "set array_nulls = off; set intervalstyle = iso_8601; set bytea_output = escape"
            )
        with running_api(replace(settings, dsn=dsn)) as api:
            assert httpx2.post(f"{api.url}/workflows", content=ONE, headers=YAML).status_code == 201
            started = httpx2.post(f"{api.url}/workflows/one/start")
            assert started.status_code == 201
            read = httpx2.get(f"{api.url}/instances/{started.json()['id']}")
            assert read.status_code == 200
            assert read.json()["started_at"].endswith("Z")
            for path in ("/", "/ui/workers", "/instances", "/queues", "/dead-letters"):
                assert httpx2.get(api.url + path).status_code == 200, path


def test_nothing_of_ours_is_left_to_others(settings: Settings) -> None:
    with pgbouncer(settings.dsn, size=1) as dsn:
        pooled = replace(settings, dsn=dsn)
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as other:
            before = shown(other)
            with open_pool(pooled, "test", statement_timeout=1) as pool, pool.connection() as conn:
                with steady(conn):
                    ours = shown(conn)
                assert start_of(conn) == []
            assert shown(other) == before
            with connect(pooled, "test", statement_timeout=2) as conn:
                assert start_of(conn) == []
            assert shown(other) == before
            assert other.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
    assert ours[:2] == ["pg_catalog, pg_temp", "1s"]


def start_of(conn: psycopg.Connection[Any]) -> list[Any]:
    """Call a function of ours, many times, for nothing."""
    return [s for _ in range(10) for s in cancel_instances(conn, [])]


def test_commands_work_and_leave_limits_to_nobody(pooled: Settings, tmp_path: Any) -> None:
    (tmp_path / "one.yaml").write_text(ONE)
    for command in (
        ("deploy", str(tmp_path / "one.yaml")),
        ("start", "one"),
        ("list",),
        ("transport", pooled.transport),
    ):
        done = run(pooled, *command)
        assert done.returncode == 0, (command, done.stderr)
    with psycopg.connect(pooled.dsn, autocommit=True, prepare_threshold=None) as other:
        assert shown(other)[1:3] == ["0", "0"]
        row = other.execute("select id from onceflow.instances").fetchone()
    assert row is not None
    assert run(pooled, "show", str(row[0])).returncode == 0


async def test_clients_work_and_leave_nothing(settings: Settings) -> None:
    with (
        pgbouncer(settings.dsn, size=1) as dsn,
        psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as other,
    ):
        other.execute("set default_transaction_isolation = serializable; set array_nulls = off")
        before = shown(other)
        with Client(dsn) as client:
            client.deploy(ONE)
            for _ in range(8):
                client.get(client.start("one").id)
        async with AsyncClient(dsn) as waiting:
            for _ in range(8):
                await waiting.get((await waiting.start("one")).id)
        assert shown(other) == before
        assert other.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)


def test_migrate_works(empty_database: Database) -> None:
    with pgbouncer(empty_database.dsn, size=1) as dsn:
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as left:
            left.execute("set statement_timeout = '50ms'; set search_path = public")
        migrate(Settings(dsn=dsn))
        assert migrate(Settings(dsn=dsn)).applied == []


@pytest.mark.parametrize("process", ["worker", "relay"])
def test_a_process_that_needs_a_session_says_so(pooled: Settings, process: str) -> None:
    imports = ("--import", "onceflow.worker.integrations") if process == "worker" else ()
    done = run(pooled, process, *imports)
    assert done.returncode == 2, done.stderr
    assert f"onceflow {process}: ONCEFLOW_DSN leads to a pooler" in done.stderr
    assert "pool_mode = transaction" in done.stderr
    assert "address of Postgres itself" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("size", [1, 3])
def test_a_session_that_is_shared_out_is_found_out_under_load(
    settings: Settings, size: int
) -> None:
    with pgbouncer(settings.dsn, size=size) as dsn, ThreadPoolExecutor(4) as others:
        stop = threading.Event()

        def load() -> None:
            with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as conn:
                while not stop.is_set():
                    conn.execute("select 1")

        loads = [others.submit(load) for _ in range(4)]
        try:
            with pytest.raises(SessionNeeded):
                connect(replace(settings, dsn=dsn), "test", own_session=True).close()
        finally:
            stop.set()
            for of in loads:
                of.result()


def test_a_pooler_that_keeps_sessions_is_fine(settings: Settings) -> None:
    with (
        pgbouncer(settings.dsn, mode="session") as dsn,
        connect(replace(settings, dsn=dsn), "test", own_session=True) as conn,
    ):
        assert not conn.shared
        assert shown(conn)[0] == "pg_catalog, pg_temp"
        assert conn.prepare_threshold is None


def test_what_fails_in_a_shared_session_is_rolled_back(pooled: Settings) -> None:
    def fail_unheeded(conn: psycopg.Connection[Any]) -> None:
        with steady(conn):
            try:
                conn.execute("select 1/0")
            except psycopg.errors.DivisionByZero:
                pass

    def give_up(conn: psycopg.Connection[Any]) -> None:
        with steady(conn):
            conn.execute("create table public.never (n int)")
            raise ZeroDivisionError

    with connect(pooled, "test") as conn:
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            fail_unheeded(conn)
        with pytest.raises(ZeroDivisionError):
            give_up(conn)
        with steady(conn):
            assert conn.execute("select to_regclass('public.never')").fetchone() == (None,)


def test_a_slow_expression_is_failed_and_its_call_repeated(pooled: Settings) -> None:
    """In a transaction whose settings end with it, as everywhere."""
    # Not marked as wide, as if another had compiled it: only the timeout stops it.
    slow = {**path("$.input.a[*] ? (@ == $.input.b[*])"), "m": True}
    little: dict[str, list[int]] = {"a": [], "b": []}
    much = {"a": list(range(9000)), "b": list(range(9000, 18_000))}
    with connect(pooled, "test", statement_timeout=1) as conn:
        register_workflow(conn, workflow(Step("a", input=fields(x=slow)), on_failure="suspend"))
        started = start_instances(conn, "flow", [little, much, little])
        with steady(conn):
            rows = conn.execute(
                "select instance_id, coalesce(error ->> 'code', state) from onceflow.tasks"
            )
            found = dict(rows.fetchall())
    told = [found[one.instance_id] for one in started]
    assert told == ["QUEUED", "expression.timeout", "QUEUED"]
