"""Whole relays as processes: they ship, are killed, wait for servers, and end when told to."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from onceflow.engine.dev.broker import EmbeddedBroker
from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.kafka_names import dead_letter_topic, task_topic
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

from ..servers import Database
from ..support import wait_until
from .support import (
    Conn,
    backlog,
    event,
    partitions,
    publish,
    read_topic,
    relay_processes,
    shipped_tasks,
    start,
    wait_until_shipped,
)

pytestmark = pytest.mark.only("kafka", reason="it is about what a relay does over Kafka")


def test_killed_between_produce_and_commit_it_ships_twice_and_never_zero_times(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    ids = start(conn, 50)
    failpoint = {"ONCEFLOW_FAILPOINT": "relay.after_produce"}
    with relay_processes(settings, tmp_path, ["killed"], **failpoint) as (killed,):
        assert killed.wait() == -9
        assert "failpoint relay.after_produce" in killed.said
    wait_until(
        lambda: (
            not conn.execute(
                "select 1 from pg_stat_activity where application_name = 'onceflow relay shipper'"
                " and datname = current_database()"
            ).fetchall()
        ),
        "the killed relay's session to end",
    )
    assert backlog(conn) == 50
    assert shipped_tasks(settings) == dict.fromkeys(ids, 1)
    with relay_processes(settings, tmp_path, ["second"]) as (second,):
        wait_until_shipped(conn)
        turned_by = f"relay {socket.gethostname()}:{second.process.pid}"
        heartbeat = "select 1 from onceflow.heartbeat where turns and turned_by = %s"
        wait_until(lambda: conn.execute(heartbeat, (turned_by,)).fetchone(), "its heartbeat")
    assert shipped_tasks(settings) == dict.fromkeys(ids, 2)


def test_two_relays_ship_each_message_once(conn: Conn, settings: Settings, tmp_path: Path) -> None:
    with relay_processes(settings, tmp_path, ["one", "two"]) as relays:
        ids = [i for _ in range(10) for i in start(conn, 300)]
        wait_until_shipped(conn)
        assert shipped_tasks(settings) == dict.fromkeys(ids, 1)
        assert [relay.stop() for relay in relays] == [0, 0]


def test_it_makes_the_topics_of_all_queues_and_of_dead_letters(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    conn.execute("insert into onceflow.queue (name) values ('pdf'), ('mail')")
    names = [task_topic(settings, "pdf"), task_topic(settings, "mail"), dead_letter_topic(settings)]
    with relay_processes(settings, tmp_path):
        wait_until(lambda: all(partitions(settings, name) == 2 for name in names), "the topics")
        conn.execute("insert into onceflow.queue (name) values ('late')")
        late = task_topic(settings, "late")
        wait_until(lambda: partitions(settings, late) == 2, "the topic of a queue named later")


def test_one_row_that_no_client_can_send_neither_ends_it_nor_stalls_it(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    publish(conn, event("a-topic", "odd"))
    conn.execute("update onceflow.outbox set topic = repeat('t', 600)")
    ids = start(conn, 3)
    with relay_processes(settings, tmp_path) as (relay,):
        wait_until_shipped(conn)
        assert shipped_tasks(settings) == dict.fromkeys(ids, 1)
        assert relay.stop() == 0
    assert conn.execute("select count(*) from onceflow.quarantined").fetchone() == (1,)


def test_it_publishes_dead_letters(conn: Conn, settings: Settings, tmp_path: Path) -> None:
    publish(conn, event("dead-letters", json.dumps({"instance": "i", "task": "t"})))
    conn.execute("update onceflow.outbox set kind = 'dead_letter'")
    with relay_processes(settings, tmp_path):
        wait_until_shipped(conn)
    assert len(read_topic(settings, dead_letter_topic(settings))) == 1


def test_it_waits_for_kafka_and_says_so(
    conn: Conn, settings: Settings, tmp_path: Path, own_broker: EmbeddedBroker
) -> None:
    settings = replace(settings, kafka=own_broker.bootstrap)
    own_broker.stop()
    ids = start(conn, 5)
    with relay_processes(settings, tmp_path) as (relay,):
        relay.wait_for(f"waiting for Kafka at {own_broker.bootstrap}")
        own_broker.start()
        wait_until_shipped(conn)
        assert shipped_tasks(settings) == dict.fromkeys(ids, 1)


def test_it_ships_again_what_an_emptied_broker_has_lost(
    conn: Conn, settings: Settings, tmp_path: Path, own_broker: EmbeddedBroker
) -> None:
    settings = replace(settings, kafka=own_broker.bootstrap)
    settings = replace(settings, partitions=1, log="debug")
    with relay_processes(settings, tmp_path) as (relay,):
        lost = start(conn, 20)
        wait_until_shipped(conn)
        relay.wait_for("queue default is watched up to {0: 20}")
        own_broker.stop()
        # Nobody consumes these: only what was seen before the broker failed tells of the others.
        fresh = start(conn, 5)
        own_broker.start()
        relay.wait_for("lost the messages of 20 tasks")
        wait_until(
            lambda: shipped_tasks(settings).keys() == {*lost, *fresh}, "all to be there again"
        )


def test_it_waits_for_postgres_and_goes_on_after_a_restart(
    own_postgres: EmbeddedPostgres, settings: Settings, tmp_path: Path
) -> None:
    settings = replace(settings, dsn=own_postgres.dsn)
    migrate(settings)
    database = Database("onceflow", own_postgres.dsn)
    with database.connect() as conn:
        first = start(conn, 5)
    own_postgres.stop()
    with relay_processes(settings, tmp_path) as (relay,):
        relay.wait_for("waiting for Postgres at 127.0.0.1")
        own_postgres.start()
        with database.connect() as conn:
            wait_until_shipped(conn)
        own_postgres.stop()
        own_postgres.start()
        with database.connect() as conn:
            second = start(conn, 5)
            wait_until_shipped(conn)
        assert shipped_tasks(settings) == dict.fromkeys(first + second, 1)
        assert relay.stop() == 0


def test_it_waits_for_the_schema(
    empty_database: Database, settings: Settings, tmp_path: Path
) -> None:
    settings = replace(settings, dsn=empty_database.dsn)
    with relay_processes(settings, tmp_path) as (relay,):
        relay.wait_for("waiting for `onceflow migrate`")
        migrate(settings)
        with empty_database.connect() as conn:
            start(conn, 1)
            wait_until_shipped(conn)


def test_it_ends_while_it_waits(settings: Settings, tmp_path: Path) -> None:
    nowhere = replace(settings, kafka="127.0.0.1:1")
    with relay_processes(nowhere, tmp_path) as (relay,):
        relay.wait_for("waiting for Kafka at 127.0.0.1:1")
        assert relay.stop() == 0


def test_it_works_with_the_rights_of_a_relay_alone(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    role = f"relay_{settings.prefix.replace('-', '_')}"
    conn.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
    try:
        conn.execute("select onceflow.grant_access(%s::name, 'relay')", (role,))
        dsn = make_conninfo(settings.dsn, options=f"-c role={role}")
        with relay_processes(replace(settings, dsn=dsn, log="debug"), tmp_path) as (relay,):
            ids = start(conn, 5)
            wait_until_shipped(conn)
            relay.wait_for("queue default is watched")
            assert relay.stop() == 0
        assert shipped_tasks(settings) == dict.fromkeys(ids, 1)
        assert "waits for" not in relay.said
    finally:
        conn.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
        conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
