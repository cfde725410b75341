"""``python -m bench.pages``: how long every page and list takes, beside many instances.

Makes the database, unless ``--data`` names a folder that has it already, and serves it by
``onceflow api``. Each address is asked for one after the other; its median counts, and the exit
code is 1 where one is over the limit. Beside it stands the CPU time of api and Postgres together,
which tells more where other programs have most of the CPUs.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import LiteralString

import httpx2
import psycopg
from psycopg.conninfo import make_conninfo

from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.process import Process
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings, load_settings

from ..processes import cpu_seconds
from ..servers import load_average, running
from .database import Connection, fill

NAME = "bench_pages"


def main() -> int:
    """Make the database where it is not there, measure, print, and say whether all is in time."""
    asked = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    asked.add_argument("--ended", type=int, default=1_000_000, help="instances that have ended")
    asked.add_argument("--unended", type=int, default=50_000, help="instances that have not")
    asked.add_argument("--data", type=Path, help="folder of a Postgres that is kept")
    asked.add_argument("--runs", type=int, default=15, help="requests for each address")
    asked.add_argument("--only", default="", help="addresses with this text in them alone")
    asked.add_argument("--limit", type=float, default=150, help="milliseconds of a median")
    asked.add_argument("--serve", type=int, metavar="PORT", help="serve it until Ctrl-C instead")
    args = asked.parse_args()
    with running(args.data) as servers:
        dsn = make_conninfo(servers.dsn, dbname=NAME)
        with psycopg.connect(servers.dsn, autocommit=True) as conn:
            known = conn.execute("select 1 from pg_database where datname = %s", (NAME,)).fetchone()
            if not known:
                conn.execute(f"create database {NAME}".encode())
        settings = replace(load_settings(), dsn=dsn)
        if not known:
            _make(settings, args.ended, args.unended)
        with _api(settings, args.serve or free_port()) as (url, pid):
            if args.serve:
                print(f"{url} serves it; Ctrl-C ends it")
                while True:
                    time.sleep(3600)
            pids = [pid, *servers.postgres]
            return measure(url, dsn, pids, args.runs, args.limit, args.only)


def _make(settings: Settings, ended: int, unended: int) -> None:
    migrate(settings)
    began = time.monotonic()
    with psycopg.connect(settings.require_dsn(), autocommit=True) as conn:
        conn.execute("set search_path = pg_catalog, pg_temp")

        def beat(made: float) -> None:
            print(
                f"\r{made:,.0f} instances, {time.monotonic() - began:.0f} s",
                end="",
                file=sys.stderr,
            )

        fill(conn, ended, unended, beat)
    print(file=sys.stderr)


@contextmanager
def _api(settings: Settings, port: int) -> Generator[tuple[str, int]]:
    env = {**os.environ, **settings.environment(), "ONCEFLOW_LOG": "warning"}
    argv = [sys.executable, "-m", "onceflow", "api", "--port", str(port)]
    process = Process("api", argv, env=env)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx2.get(f"{url}/health/live")
                break
            except httpx2.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield url, process.pid
    finally:
        process.stop()


def addresses(conn: Connection) -> list[str]:
    """Return the address of every page and list there is, of instances in every state."""

    def one(where: LiteralString) -> str:
        row = conn.execute(
            f"select id from onceflow.instances where {where}"  # noqa: S608  literals
            " order by id desc limit 1"
        ).fetchone()
        assert row is not None, where
        return str(row[0])

    order: LiteralString = "workflow = 'order' and "
    ended, dead = one(f"{order}state = 'SUCCEEDED'"), one(f"{order}suspended_by = 'dead_letter'")
    form, many = one("workflow = 'approval'"), one("workflow = 'mailing'")
    after = "2026-01-01T00:00:00Z"
    lists = [
        *("", "?limit=100", "?status=SUCCEEDED", "?status=RUNNING", "?status=FAILED"),
        *("?status=COMPENSATED", "?status=CANCELLED", "?status=CLOSING", "?suspended=true"),
        *("?suspended=false", "?key=order+nobody", f"?id={ended[:12]}", f"?parent={ended}"),
        f"?started_after={after}&status=FAILED",
        f"?started_before={after}",
    ]
    of = ["?status=RUNNING", "?status=COMPENSATED", "?suspended=true", "?status=CLOSING", ""]
    instances = [ended, one(f"{order}state = 'RUNNING'"), dead, form, many]
    return [
        *(f"/?over={over}" for over in ("1h", "6h", "24h", "7d", "30d")),
        *(f"/ui/instances{asked}" for asked in lists),
        "/ui/instances?input=customer%3DC7",
        *(f"/ui/instances{asked}{'&' if asked else '?'}workflow=order" for asked in of),
        *(f"/ui/instances{asked}{'&' if asked else '?'}workflow=other-3" for asked in of),
        *(f"/ui/instances/{instance}" for instance in instances),
        f"/ui/instances/{many}?block=letters",
        f"/ui/instances/{many}?block=letters&state=FAILED",
        *("/ui/dead-letters", f"/ui/dead-letters?instance={dead}", "/ui/dead-letters?step=pay"),
        *("/ui/dead-letters?workflow=order", "/ui/dead-letters?code=shop.*"),
        *("/ui/dead-letters?workflow=contract", "/ui/dead-letters?queue=default"),
        *("/ui/forms", "/ui/forms?to=managers", "/ui/forms?workflow=approval"),
        *("/ui/forms?to=nobody", f"/ui/forms/{form}?task=ask"),
        *("/ui/workflows", "/ui/workflows/order", "/ui/workflows/order/versions/1"),
        *("/ui/triggers", "/ui/workers", "/ui/config"),
        *(f"/instances{asked}" for asked in lists),
        *(f"/instances/{instance}" for instance in instances),
        *(f"/instances/{instance}/explain" for instance in instances),
        f"/instances/{many}/scopes",
        *("/dead-letters", "/dead-letters?workflow=order", "/forms", "/forms?to=managers"),
        *("/workflows", "/workflows/order", "/workflows/order/versions", "/triggers"),
        *("/workers", "/queues", "/outbox", "/quarantine", "/config", "/health/ready"),
    ]


def measure(url: str, dsn: str, pids: list[int], runs: int, limit: float, only: str = "") -> int:
    """Ask for every address, print how long each takes, and return 1 where one takes too long.

    ``pids`` are the processes whose CPU time counts, with all below them.
    """
    with psycopg.connect(dsn, autocommit=True) as conn:
        asked = [address for address in addresses(conn) if only in address]
    print(f"load {load_average()}; milliseconds: the median of {runs}, the longest, CPU of each")
    late = 0
    with httpx2.Client(base_url=url, timeout=60) as client:
        for address in asked:
            answer = client.get(address)
            times: list[float] = []
            before = cpu_seconds(pids) or 0.0
            for _ in range(runs):
                began = time.perf_counter()
                client.get(address)
                times.append((time.perf_counter() - began) * 1000)
            used = ((cpu_seconds(pids) or 0.0) - before) * 1000 / runs
            median = statistics.median(times)
            late += median > limit
            told = address if answer.status_code == 200 else f"{address}  {answer.status_code}"
            mark = " !" if median > limit else ""
            size = len(answer.content) / 1024
            print(f"{median:8.1f} {max(times):8.1f} {used:7.1f} {size:7.0f} KB  {told}{mark}")
    print(f"{len(asked)} addresses, {late} over {limit:g} ms")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
