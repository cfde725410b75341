"""``onceflow transport``: switches, refuses with reasons, and says what follows."""

import pytest

from onceflow.engine.calls import require_transport, stop_worker, transport

from ...api.hand_worker import HandWorker
from ...conftest import Connect
from ...servers import Database
from .conftest import Onceflow


def test_there_and_back(onceflow: Onceflow, connect: Connect) -> None:
    done = onceflow("transport", "postgres")
    assert (done.code, done.out) == (
        0,
        "messages travel by postgres; 0 tasks were shipped again\n",
    )
    require_transport(connect(), "postgres")
    assert onceflow("transport", "postgres").code == 0
    assert onceflow("transport", "kafka").code == 0
    require_transport(connect(), "kafka")


def test_what_only_the_broker_had_is_shipped_again(
    onceflow: Onceflow, order: str, worker: HandWorker, connect: Connect
) -> None:
    conn = connect()
    conn.execute("delete from onceflow.outbox")  # the broker has it
    for (worker_id,) in conn.execute("select id from onceflow.workers").fetchall():
        stop_worker(conn, worker_id)
    assert "; 1 tasks were" in onceflow("transport", "postgres").out
    keys = conn.execute("select key from onceflow.outbox").fetchall()
    assert keys == [(order,)]


def test_live_workers_keep_it_from_being_switched(onceflow: Onceflow, worker: HandWorker) -> None:
    refused = onceflow("transport", "postgres", "--wait", "0.3")
    assert refused.code == 1
    assert "workers are live" in refused.err
    assert "Stop them first" in refused.err


def test_an_open_transaction_is_waited_for_and_then_named(
    onceflow: Onceflow, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LOCK_TIMEOUT", 0.2)
    handler = connect(autocommit=False)
    require_transport(handler, "kafka")
    refused = onceflow("transport", "postgres")
    assert refused.code == 1
    assert "open transaction" in refused.err
    handler.rollback()
    assert onceflow("transport", "postgres").code == 0


def test_a_database_without_a_schema_says_what_to_run(
    onceflow: Onceflow, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCEFLOW_DSN", empty_database.dsn)
    refused = onceflow("transport", "postgres")
    assert refused.code == 1
    assert "onceflow migrate" in refused.err
