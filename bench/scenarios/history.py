"""(h) The reference load beside many finished instances, against an empty database."""

import time
from dataclasses import replace

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ..bench import Bench
from ..bulk import start_many
from ..deployment import HAND_OFF, connect, deployed
from ..measure import measure
from ..results import Result
from ..seeding import seed, tidy
from ..workflows import sequence

TITLE = "4 steps, closed loop, beside finished instances"
STEPS = 4
IN_FLIGHT = 256


def run(bench: Bench) -> None:
    """Measure on an empty database, seed one (unless it is there already), measure on that."""
    work = sequence(STEPS)
    empty = measure(bench, "h", HAND_OFF, work, IN_FLIGHT, load="empty database")
    name = f"bench_history_{bench.options.history}"
    dsn = make_conninfo(bench.servers.dsn, dbname=name)
    began = time.monotonic()
    seeded = not _exists(bench, name)
    if seeded:
        _seed(bench, name, dsn)
    seconds = time.monotonic() - began
    load = f"beside {bench.options.history:,}"
    full = measure(bench, "h", HAND_OFF, work, IN_FLIGHT, dsn=dsn, load=load)
    ratio = full.figures["steps/s"] / empty.figures["steps/s"]
    size = f"the database has {_gigabytes(dsn):.1f} GB"
    size += f" and was seeded in {seconds:,.0f} s" if seeded else ""
    bench.add(Result("h", "beside / empty", "steps/s", [{"ratio": ratio}], notes=[size]))
    if bench.options.data is None:
        _drop(bench, name)


def _gigabytes(dsn: str) -> float:
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "select pg_catalog.pg_database_size(pg_catalog.current_database())"
        ).fetchone()
    assert row is not None
    return row[0] / 1e9


def _exists(bench: Bench, name: str) -> bool:
    with psycopg.connect(bench.servers.dsn) as conn:
        row = conn.execute("select 1 from pg_catalog.pg_database where datname = %s", (name,))
        return row.fetchone() is not None


def _seed(bench: Bench, name: str, dsn: str) -> None:
    """Make the database under another name first, so that half a seeding is never taken for one."""
    half = f"{name}_half"
    _drop(bench, half)
    with psycopg.connect(bench.servers.dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(half)))
    place = make_conninfo(dsn, dbname=half)
    options = replace(bench.options, workers=1)
    with deployed(bench.servers, HAND_OFF, options, place) as deployment:
        workflow = sequence(STEPS).register(deployment.conn)
        deployment.start_relay()
        deployment.start_workers()
        start_many(deployment, workflow, 1, bench.bar("(h) running the template", 1))
        deployment.wait_for_end()
        row = deployment.conn.execute("select id::text from onceflow.instance").fetchone()
        assert row is not None
    count = bench.options.history
    with connect(place) as conn:
        conn.execute("set enable_seqscan = on")
        seed(conn, row[0], count, bench.bar(f"(h) seeding {count:,} instances", count))
        tidy(conn)
    with psycopg.connect(bench.servers.dsn, autocommit=True) as conn:
        rename = sql.SQL("alter database {} rename to {}")
        conn.execute(rename.format(sql.Identifier(half), sql.Identifier(name)))


def _drop(bench: Bench, name: str) -> None:
    with psycopg.connect(bench.servers.dsn, autocommit=True) as conn:
        drop = sql.SQL("drop database if exists {} with (force)")
        conn.execute(drop.format(sql.Identifier(name)))
