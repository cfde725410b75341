"""PgBouncer before a database of a test: Debian's package, where it is installed."""

import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.unprivileged import server_user

from .support import wait_until

needs_pgbouncer = pytest.mark.skipif(
    shutil.which("pgbouncer") is None and not Path("/usr/sbin/pgbouncer").exists(),
    reason="PgBouncer is not installed (Debian's package pgbouncer)",
)

CONFIG = """
[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {size}
logfile = {folder}/log
"""


@contextmanager
def pgbouncer(dsn: str, mode: str = "transaction", size: int = 3) -> Generator[str]:
    """Run PgBouncer before the server of ``dsn``; return the dsn through it."""
    given = conninfo_to_dict(dsn)
    user, password = str(given["user"]), str(given.get("password") or "")
    folder = Path(tempfile.mkdtemp(prefix="onceflow-test-pooler-"))
    folder.chmod(0o777)  # it refuses to be root, and is somebody else where we are
    try:
        port = free_port()
        (folder / "users").write_text(f'"{user}" "{password}"\n')
        (folder / "config").write_text(
            CONFIG.format(
                host=given.get("host", "127.0.0.1"),
                server_port=given.get("port", 5432),
                port=port,
                folder=folder,
                mode=mode,
                size=size,
            )
        )
        process = subprocess.Popen(
            [shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", str(folder / "config")],
            user=server_user() or None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        pooled = make_conninfo(dsn, host="127.0.0.1", port=port, sslmode="disable", password="")

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                psycopg.connect(pooled).close()
            except psycopg.OperationalError:
                return False
            return True

        try:
            wait_until(answers, "PgBouncer")
            yield pooled
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
