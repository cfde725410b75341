"""What each kind of error means for a call: tried again, halved, or given up."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from onceflow.engine.errors import BadArgument, ServerError, WorkerNotLive
from onceflow.engine.settings import Settings
from onceflow.worker.registration.retrying_connection import (
    Abandoned,
    RetryingConnection,
    Spoiled,
    Trouble,
    judge,
)

Conn = psycopg.Connection[Any]
Connect = Callable[..., Conn]


def error_of(conn: Conn, statement: str) -> Exception:
    with pytest.raises(psycopg.Error) as raised:
        conn.execute(statement)  # type: ignore[arg-type]
    return raised.value


def test_real_errors_are_judged(conn: Conn, connect: Connect) -> None:
    def judged(statement: str) -> Trouble:
        return judge(error_of(conn, statement))

    assert judged("select '\"\\u0000\"'::jsonb") is Trouble.DATA
    assert judged("select 1/0") is Trouble.DATA
    assert judged("do $$ begin raise exception 'no'; end $$") is Trouble.DATA
    assert judged("select repeat('[', 100000)::jsonb") is Trouble.DATA
    assert judged("select no_such_function()") is Trouble.AGAIN
    conn.execute("create table t (a int check (a > 0))")
    assert judged("insert into t values (0)") is Trouble.DATA

    other = connect(autocommit=False)
    other.execute("lock table t")
    conn.execute("set lock_timeout = '10ms'")
    assert judged("select * from t") is Trouble.AGAIN
    conn.execute("set lock_timeout = 0; set statement_timeout = '10ms'")
    assert judged("select * from t") is Trouble.TOO_LONG

    other.execute("select pg_terminate_backend(%s)", (conn.info.backend_pid,))
    assert judged("select 1") is Trouble.LOST
    assert judge(psycopg.OperationalError("gone")) is Trouble.LOST
    assert judge(psycopg.DataError("a NUL")) is Trouble.DATA
    assert judge(BadArgument("odd")) is Trouble.DATA
    assert judge(TypeError("no JSON")) is Trouble.DATA


def test_a_lost_connection_is_replaced_and_the_call_repeated(
    settings: Settings, conn: Conn
) -> None:
    connection = RetryingConnection(settings, "test")
    pids: list[int] = []

    def operation(mine: Conn) -> int:
        pids.append(mine.info.backend_pid)
        if len(pids) == 1:
            conn.execute("select pg_terminate_backend(%s, 10000)", pids)
        mine.execute("select 1")
        return len(pids)

    assert connection.call("trying", operation, lambda: True) == 2
    assert pids[0] != pids[1]
    connection.close()


def test_data_is_not_tried_again(settings: Settings) -> None:
    connection = RetryingConnection(settings, "test")
    calls: list[int] = []

    def operation(mine: Conn) -> None:
        calls.append(1)
        mine.execute("select 1/0")

    with pytest.raises(Spoiled) as raised:
        connection.call("dividing", operation, lambda: True)
    assert len(calls) == 1
    assert not raised.value.too_long
    connection.close()


def test_it_gives_up_when_told_and_lets_a_dead_worker_through() -> None:
    nowhere = Settings(dsn="host=127.0.0.1 port=1 dbname=x connect_timeout=1")
    connection = RetryingConnection(nowhere, "test")
    with pytest.raises(Abandoned) as raised:
        connection.call("knocking", lambda conn: None, lambda: False)
    assert isinstance(raised.value.__cause__, ServerError)

    def dead(_conn: Conn) -> None:
        raise WorkerNotLive("dead")

    connected = RetryingConnection(nowhere, "test")
    connected._connection = lambda: None  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(WorkerNotLive):
        connected.call("renewing", dead, lambda: True)
