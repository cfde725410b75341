"""The embedded servers: start, stop, crash, and no life of their own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import psycopg.conninfo
import pytest

from onceflow.engine.dev import unprivileged
from onceflow.engine.dev.broker import EmbeddedBroker, answers
from onceflow.engine.dev.postgres import EmbeddedPostgres, find_binaries, free_port
from onceflow.engine.errors import ServerError

from ...support import is_running, wait_until
from .test_process import start_and_be_killed


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="onceflow-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ask(postgres: EmbeddedPostgres, question: str, before: str = "") -> object:
    with psycopg.connect(postgres.dsn, autocommit=True) as conn:
        if before:
            conn.execute(before.encode())
        row = conn.execute(question.encode()).fetchone()
        return row[0] if row else None


def test_postgres_is_as_we_need_it(open_folder: Path) -> None:
    with EmbeddedPostgres(open_folder / "postgres") as postgres:
        check_postgres(postgres)


def check_postgres(own_postgres: EmbeddedPostgres) -> None:
    expected = {
        "fsync": "on",
        "server_encoding": "UTF8",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "TimeZone": "UTC",
    }
    for name, value in expected.items():
        assert ask(own_postgres, f"show {name}") == value
    assert ask(own_postgres, "show is_superuser") == "on"
    provider = (
        "select datlocprovider::text || datlocale from pg_database where datname = 'onceflow'"
    )
    assert ask(own_postgres, provider) == "bC.UTF-8"
    ask(
        own_postgres,
        "select count(*) > 0 from pg_stat_statements",
        before="create extension pg_stat_statements",
    )
    assert own_postgres.data.stat().st_mode & 0o777 == 0o700


def test_a_password_is_needed(own_postgres: EmbeddedPostgres) -> None:
    dsn = psycopg.conninfo.make_conninfo(own_postgres.dsn, password="wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn)


def test_data_outlive_stop_and_crash(own_postgres: EmbeddedPostgres) -> None:
    dsn = own_postgres.dsn
    ask(own_postgres, "select 1", before="create table kept as select 1 as n")
    for crash in (False, True):
        pid = own_postgres.pid
        own_postgres.stop(crash=crash)
        assert not is_running(pid)
        own_postgres.start()
        assert own_postgres.dsn == dsn, "the port and the password stay"
        assert ask(own_postgres, "select n from kept") == 1


def test_one_process_uses_the_data(own_postgres: EmbeddedPostgres) -> None:
    with pytest.raises(ServerError, match=f"is in use by process {os.getpid()}"):
        EmbeddedPostgres(own_postgres.wanted).start()


def test_postgres_dies_with_a_killed_owner(open_folder: Path) -> None:
    data = open_folder / "postgres"
    pid = start_and_be_killed(f"EmbeddedPostgres(Path({str(data)!r})).start()")
    wait_until(lambda: not is_running(pid), "Postgres to end")
    with EmbeddedPostgres(data, fsync=False) as postgres:
        assert ask(postgres, "select 1") == 1


def test_a_server_left_behind_is_stopped(open_folder: Path) -> None:
    """As after a SIGKILL of everything but Postgres, where no parent-death signals exist."""
    data = open_folder / "postgres"
    with EmbeddedPostgres(data, fsync=False) as postgres:
        binaries, user = postgres.binaries, postgres.user
    argv = [str(binaries / "pg_ctl"), "start", "-w", "-D", str(data)]
    argv += ["-o", f"-p {free_port()} -c unix_socket_directories=''"]
    started = unprivileged.run_as(user, argv)
    assert started.returncode == 0, started.stdout
    left = int((data / "postmaster.pid").read_text().split()[0])
    with EmbeddedPostgres(data, fsync=False) as postgres:
        assert not is_running(left)
        assert ask(postgres, "select 1") == 1


def test_a_stale_pid_file_is_no_obstacle(open_folder: Path) -> None:
    data = open_folder / "postgres"
    with EmbeddedPostgres(data, fsync=False) as postgres:
        kept = (data / "postmaster.pid").read_text().split("\n")
        user = postgres.user
    # The pid of a process that lives and is no Postgres: it must not be signalled.
    other = subprocess.Popen(["sleep", "1000"])
    try:
        kept[0] = str(other.pid)
        (data / "postmaster.pid").write_text("\n".join(kept))
        if user:
            shutil.chown(data / "postmaster.pid", user)
        with EmbeddedPostgres(data, fsync=False) as postgres:
            assert ask(postgres, "select 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_interrupted_initdb_leaves_no_half_data(open_folder: Path) -> None:
    data = open_folder / "postgres"
    data.mkdir()
    (data / "half").touch()
    with EmbeddedPostgres(data, fsync=False) as postgres:
        assert ask(postgres, "select 1") == 1


def test_a_taken_port_is_an_error_that_says_so(
    own_postgres: EmbeddedPostgres, open_folder: Path
) -> None:
    port = own_postgres.port
    with pytest.raises(ServerError, match=f"(?s)did not start on port {port}: .*already in use"):
        EmbeddedPostgres(open_folder / "postgres", port=port).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server is another user")
def test_data_under_a_folder_of_root_alone(open_folder: Path) -> None:
    open_folder.chmod(0o700)
    wanted = open_folder / "clone" / "postgres"
    postgres = EmbeddedPostgres(wanted)
    try:
        with postgres:
            assert ask(postgres, "select 1") == 1
            place = postgres.data
            assert place != wanted
            assert Path((wanted.parent / "postgres.location").read_text().strip()) == place
            assert place.stat().st_uid != 0
    finally:
        postgres.remove_data()
    assert not place.exists()
    assert not any(wanted.parent.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server is another user")
def test_binaries_out_of_reach_are_copied(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone under /root, installed by somebody whose files nobody else may read."""
    package = find_binaries()
    hidden = open_folder / "root"
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, hidden / folder.name)
    for path in (hidden, *hidden.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
    monkeypatch.setattr("onceflow.engine.dev.postgres.find_binaries", lambda: hidden / package.name)
    monkeypatch.setattr("onceflow.engine.dev.unprivileged.ELSEWHERE", (open_folder / "lib",))
    with EmbeddedPostgres(open_folder / "postgres", fsync=False) as postgres:
        assert postgres.binaries.is_relative_to(open_folder / "lib")
        assert ask(postgres, "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_as_an_ordinary_user(open_folder: Path) -> None:
    """An ordinary user's server runs as that user, on data in that user's own folder."""
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    shutil.chown(home, "nobody")
    ours = Path(sys.executable).resolve()
    system = Path("/usr/bin") / f"python3.{sys.version_info.minor}"
    pythons = [p for p in (ours, system) if unprivileged.can_reach("nobody", p.parent)]
    python = next((p for p in pythons if p.exists()), None)
    if python is None or not unprivileged.can_reach("nobody", Path(psycopg.__file__).parent):
        pytest.skip("an ordinary user cannot reach our Python or its packages")
    script = (
        "import os, psycopg\n"
        "from pathlib import Path\n"
        "from onceflow.engine.dev.postgres import EmbeddedPostgres\n"
        f"with EmbeddedPostgres(Path({str(home / 'postgres')!r})) as p:\n"
        "    assert p.user == '' and p.data.stat().st_uid == os.getuid()\n"
        "    psycopg.connect(p.dsn).close()\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(home)}
    done = subprocess.run(
        [str(python), "-c", script],
        user="nobody",
        env=env,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_broker_answers_until_stopped(own_broker: EmbeddedBroker) -> None:
    port, pid = own_broker.port, own_broker.pid
    assert own_broker.bootstrap == f"127.0.0.1:{port}"
    assert answers("127.0.0.1", port)
    own_broker.stop()
    assert not is_running(pid)
    assert not answers("127.0.0.1", port)
    own_broker.start()
    assert own_broker.port == port
    assert own_broker.pid != pid


def test_broker_dies_with_a_killed_owner(tmp_path: Path) -> None:
    pid = start_and_be_killed(f"EmbeddedBroker(Path({str(tmp_path / 'log')!r})).start()")
    wait_until(lambda: not is_running(pid), "the broker to end")


def test_a_killed_broker_is_noticed(own_broker: EmbeddedBroker) -> None:
    assert own_broker.process
    os.kill(own_broker.pid, signal.SIGKILL)
    assert own_broker.process.wait(10) == -signal.SIGKILL
