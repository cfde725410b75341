"""Advisory locks and notifications are hints: who is merely connected stops nobody with them."""

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings
from onceflow.engine.sleeper import FALSE_ALARM_AT_MOST, RELAY, Sleeper

from ...servers import Database
from ..play import Connection, Play, Worker, execute, switch
from ..workflows import sequence

TOKEN = uuid.UUID("00000000-0000-0000-0000-00000000aaaa")
NAMES = (
    "tick",
    "transport",
    "ensure_partitions",
    "partitions",
    "migrate",
    "sleepers",
    "deployment",
)
HOLD = """
    select pg_advisory_lock(key) from unnest(%(names)s::text[]) name,
        lateral (values (hashtext('onceflow.' || name)::bigint),
            (hashtextextended('onceflow.' || name, 0))) k (key);
    select pg_advisory_lock(hashtext('onceflow.' || name), other)
    from unnest(%(names)s::text[]) name,
        lateral (values (0), (hashtext('default')), (hashtext('*'))) k (other);
    select pg_advisory_lock(hashtextextended(%(token)s, 0));
"""


class Recorder(threading.Event):
    """An event that remembers for how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return super().wait(timeout)


@pytest.fixture
def stranger(play: Play, open_conn: Callable[[], Connection]) -> Iterator[Connection]:
    """A role with nothing but the right to connect, which holds every lock that it can compute."""
    role = f"onceflow_stranger_{uuid.uuid4().hex[:8]}"
    execute(play.conn, f"create role {role}")
    conn = open_conn()
    execute(conn, f"set role {role}")
    with psycopg.ClientCursor(conn) as cursor:
        cursor.execute(HOLD, {"names": list(NAMES), "token": str(TOKEN)})
    execute(play.conn, "set statement_timeout = '10s'")
    yield conn
    execute(play.conn, "set statement_timeout = 0")
    conn.close()
    execute(play.conn, f"drop role {role}")


@pytest.mark.usefixtures("stranger")
def test_workers_register_and_the_dead_are_found(play: Play) -> None:
    instance = play.begin(sequence("a"))
    with play.conn.transaction():
        calls.require_transport(play.conn, "kafka")
        worker = Worker(play.conn)
    worker.take(instance, "a")
    worker.vanish()
    assert play.tick().lost_workers == 1
    assert play.state(instance, "a") == "RETRYING"


@pytest.mark.usefixtures("stranger")
def test_tasks_are_taken_and_a_taking_is_repeated(play: Play) -> None:
    instance = play.begin(sequence("a"))
    for _ in range(2):
        (taken,) = calls.take_tasks(play.conn, play.worker.id, TOKEN, 1, ["default"], 5)
        assert (taken.answer, taken.instance_id) == ("granted", instance)
    assert execute(play.conn, "show lock_timeout").fetchone() == ("0",)


@pytest.mark.usefixtures("stranger")
def test_partitions_are_made_and_the_transport_is_switched(play: Play) -> None:
    then = datetime(2037, 1, 1, tzinfo=UTC)
    with play.conn.transaction(force_rollback=True):
        assert play.value("select onceflow.ensure_partitions(%s, %s)", then, then) == 8
    play.worker.stop()
    assert switch(play.conn, "postgres") == [0]
    assert switch(play.conn, "kafka") == [0]


def test_a_sleeper_polls_and_a_flood_of_false_alarms_makes_no_busy_loop(
    play: Play, stranger: Connection, open_conn: Callable[[], Connection]
) -> None:
    conn, over = open_conn(), Recorder()
    execute(conn, "set statement_timeout = '10s'")
    sleeper = Sleeper(conn, ["default", RELAY], over)

    def flood() -> None:
        while not over.is_set():
            execute(stranger, "select pg_notify('onceflow', '*') from generate_series(1, 200)")

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        while FALSE_ALARM_AT_MOST not in over.waits:
            sleeper.rest(0)
        sleeper.wake()
    finally:
        over.set()
        thread.join()


def fill_queue(conn: Connection) -> None:
    """Send notifications until that fails."""
    while True:
        execute(conn, "select pg_notify('x', n || repeat('y', 7000)) from generate_series(1, 8) n")


def test_no_commit_fails_because_a_stranger_has_filled_the_queue_of_notifications(
    own_postgres: EmbeddedPostgres,
) -> None:
    database = Database("onceflow", own_postgres.dsn)
    with database.connect() as conn:
        execute(conn, "alter system set max_notify_queue_pages = 64")
    own_postgres.stop()
    own_postgres.start()
    migrate(Settings(dsn=own_postgres.dsn))
    with (
        database.connect() as conn,
        database.connect() as reader,
        database.connect() as sender,
        database.connect() as asleep,
    ):
        play = Play(conn)
        play.deploy(sequence("a"))
        Sleeper(asleep, [RELAY], threading.Event()).rest(0)
        execute(reader, "listen stranger")
        execute(reader, "begin")  # and keeps all that is sent from now on
        with pytest.raises(psycopg.errors.OperationalError, match="NOTIFY queue"):
            fill_queue(sender)
        play.start("flow")
