"""The shipper on a real outbox and a real broker: what is shipped, put off, and kept."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

import pytest
from confluent_kafka.cimpl import NewTopic
from psycopg import sql

from onceflow.engine.calls import OutboxRow, register_workflow, release_quarantine, start_instances
from onceflow.engine.dev.broker import EmbeddedBroker
from onceflow.engine.kafka_names import dead_letter_topic, form_topic, task_topic
from onceflow.engine.settings import Settings
from onceflow.relay.broker import open_admin
from onceflow.relay.sender import Record, Sender
from onceflow.relay.shipper import FAN_OUT, TOGETHER, BrokerAway, Keys, Shipper

from ..conftest import Connect
from ..sql.workflows import Step, workflow
from .support import (
    NOTHING,
    Conn,
    backlog,
    event,
    make_due,
    partitions,
    publish,
    read_topic,
    shipped_tasks,
    start,
    wait_until_shipped,
)

pytestmark = pytest.mark.only("kafka", reason="it is about the broker")

TOO_LARGE = "x" * 1_100_000


@pytest.fixture
def shipper(settings: Settings) -> Iterator[Shipper]:
    made = Shipper(settings)
    yield made
    made.close()


@pytest.fixture
def topic(settings: Settings) -> str:
    """A topic of the user's."""
    name = f"{settings.prefix}.orders"
    admin = open_admin(settings)
    admin.create_topics([NewTopic(name, 2, 1)], request_timeout=10)[name].result()
    return name


def test_tasks_are_shipped_once_each(conn: Conn, settings: Settings, shipper: Shipper) -> None:
    ids = start(conn, 30)
    assert shipper.ship(conn) == 30
    assert backlog(conn) == 0
    assert shipped_tasks(settings) == dict.fromkeys(ids, 1)
    assert shipper.ship(conn) == 0


# guarantee: shipped-to-one
def test_many_of_one_instance_go_to_several_partitions(
    conn: Conn, settings: Settings, shipper: Shipper
) -> None:
    register_workflow(conn, workflow(*(Step(f"s{n}") for n in range(400)), name="wide"))
    (wide,) = start_instances(conn, "wide", [NOTHING])
    narrow = start(conn, 30)
    while shipper.ship(conn):
        pass
    messages = read_topic(settings, task_topic(settings, "default"))
    assert len({message.value() for message in messages}) == len(messages) == 430
    keys = Counter((message.key() or b"").decode() for message in messages)
    assert {key: keys[key] for key in map(str, narrow)} == dict.fromkeys(map(str, narrow), 1)
    of_wide = {key for key in keys if UUID(key.split("/")[0]) == wide.instance_id}
    assert str(wide.instance_id) in of_wide
    assert max(keys[key] for key in of_wide) <= 3 * TOGETHER  # each of three batches counts anew
    assert len({m.partition() for m in messages if (m.key() or b"").decode() in of_wide}) > 1


def rows(count: int, kind: Literal["task", "event"], key: str | None) -> list[OutboxRow]:
    return [OutboxRow(number, kind, "default", key, "{}", {}) for number in range(count)]


def keys_of(batch: list[OutboxRow]) -> list[str | None]:
    keys = Keys(batch)
    return [keys.of(row) for row in batch]


def test_of_a_fan_out_sixteen_in_a_batch_have_one_key() -> None:
    given = keys_of(rows(FAN_OUT + 12, "task", "i"))
    assert given[:32] == ["i"] * 16 + ["i/1"] * 16
    assert given[-12:] == ["i/8"] * 12
    assert len(set(given)) == 9


# guarantee: shipped-apart
def test_what_is_no_fan_out_keeps_its_key() -> None:
    assert set(keys_of(rows(FAN_OUT, "task", "i"))) == {"i"}
    assert set(keys_of(rows(2 * FAN_OUT, "event", "k"))) == {"k"}
    assert set(keys_of(rows(2 * FAN_OUT, "task", None))) == {None}
    mixed = rows(2 * FAN_OUT, "event", "i") + rows(2, "task", "i")
    assert set(keys_of(mixed)) == {"i"}


def test_topics_of_tasks_are_made_with_the_partitions_of_the_settings(
    conn: Conn, settings: Settings
) -> None:
    shipper = Shipper(replace(settings, partitions=3))
    start(conn, 1, queue="pdf")
    shipper.ship(conn)
    shipper.close()
    assert partitions(settings, task_topic(settings, "pdf")) == 3


def test_events_carry_their_key_their_headers_and_their_id(
    conn: Conn, settings: Settings, shipper: Shipper, topic: str
) -> None:
    publish(conn, event(topic, "one", "k1", colour="red"), event(topic, "two"))
    shipper.ship(conn)
    one, two = sorted(read_topic(settings, topic), key=lambda message: message.value() or b"")
    assert (one.key(), one.value()) == (b"k1", b"one")
    assert dict(one.headers() or []) == {"colour": b"red", "onceflow-event-id": b"id-one"}
    assert two.key() is None


def test_events_of_one_key_keep_their_order(
    conn: Conn, settings: Settings, shipper: Shipper, topic: str
) -> None:
    publish(conn, *(event(topic, f"{n:03}", "one-key") for n in range(200)))
    shipper.ship(conn)
    values = [message.value() for message in read_topic(settings, topic)]
    assert values == [f"{n:03}".encode() for n in range(200)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("topic", "t" * 600),
        ("topic", ""),
        ("topic", "no such topic!"),
        ("headers", "[1]"),
        ("headers", '{"n": 1e131071}'),
    ],
)
@pytest.mark.parametrize("kind", ["event", "task"])
def test_a_row_that_no_client_can_send_is_given_up_at_once_and_the_others_are_shipped(
    conn: Conn, settings: Settings, shipper: Shipper, topic: str, kind: str, column: str, value: str
) -> None:
    publish(conn, *(event(topic, f"{n}") for n in range(3)))
    change = sql.SQL("update onceflow.outbox set {} = %s, kind = %s where value = '1'")
    conn.execute(change.format(sql.Identifier(column)), (value, kind))
    assert shipper.ship(conn) == 3
    assert backlog(conn) == 0
    assert {message.value() for message in read_topic(settings, topic)} == {b"0", b"2"}
    given_up = 0 if (kind, value) == ("task", "") else 1  # the prefix alone is a name
    assert conn.execute("select count(*) from onceflow.quarantined").fetchone() == (given_up,)


@pytest.mark.parametrize(
    "odd",
    [
        {"topic": "t" * 600},
        {"topic": "a\0b"},
        {"topic": "\ud800"},
        {"key": "\ud800"},
        {"headers": {"\ud800": "x"}},
        {"headers": {"n": 1}},
        {"value": "x" * 5000},
    ],
)
def test_whatever_a_client_raises_for_one_record_is_said_of_that_record_alone(
    settings: Settings, topic: str, odd: dict[str, Any]
) -> None:
    # With a buffer that one record overflows, whatever else has left it.
    sender = Sender(replace(settings, kafka_options={"queue.buffering.max.kbytes": "4"}))
    records = [Record(n, topic, None, "v", {}) for n in range(3)]
    records[1] = replace(records[1], **odd)
    try:
        sent = sender.send(records)
    finally:
        sender.close()
    assert (sent.acknowledged, sent.unanswered) == ([0, 2], {})
    assert (sent.refused | sent.hopeless).keys() == {1}


def test_a_batch_is_not_all_or_nothing(
    conn: Conn, settings: Settings, shipper: Shipper, topic: str
) -> None:
    good = [event(topic, f"good-{n}") for n in range(10)]
    publish(conn, *good[:5], event(topic, "lost?"), event(topic, TOO_LARGE), *good[5:])
    conn.execute("update onceflow.outbox set topic = 'no such topic!' where value = 'lost?'")
    assert shipper.ship(conn) == 12
    assert {m.value() for m in read_topic(settings, topic)} == {e.value.encode() for e in good}
    rows = conn.execute(
        "select topic, tries, not_before > clock_timestamp(), error"
        " from onceflow.outbox order by id"
    ).fetchall()
    assert [row[:3] for row in rows] == [(topic, 1, True)]
    assert "1100000 bytes" in rows[0][3]
    assert "MESSAGE_MAX_BYTES" in rows[0][3]
    ((reason,),) = conn.execute("select reason from onceflow.quarantined").fetchall()
    assert "no such topic!" in reason
    assert shipper.ship(conn) == 0, "what was put off is not tried at once"


def test_a_set_of_records_too_large_for_the_broker_is_sent_one_by_one(
    conn: Conn, settings: Settings, shipper: Shipper
) -> None:
    name = f"{settings.prefix}.narrow"
    narrow = NewTopic(name, 1, 1, config={"max.message.bytes": "2000"})
    admin = open_admin(settings)
    admin.create_topics([narrow], request_timeout=10)[name].result()
    small = [event(name, f"{n:03}" + "s" * 500) for n in range(40)]
    publish(conn, *small[:20], event(name, "l" * 5000), *small[20:])
    shipper.ship(conn)
    shipped = {message.value() for message in read_topic(settings, name)}
    assert shipped >= {e.value.encode() for e in small}
    # A broker that does not heed the topic's limit takes the large one too.
    assert backlog(conn) == 41 - len(shipped)


def test_a_row_that_cannot_be_shipped_ends_in_quarantine_and_can_be_released(
    conn: Conn, settings: Settings, topic: str
) -> None:
    strict = Shipper(replace(settings, kafka_options={"message.max.bytes": "2000"}))
    publish(conn, event(topic, "x" * 5000, "k"))
    for _ in range(10):
        make_due(conn)
        assert strict.ship(conn) == 1
    strict.close()
    assert backlog(conn) == 0
    ((kept, reason),) = conn.execute("select id, reason from onceflow.quarantined").fetchall()
    assert "5000 bytes" in reason
    assert release_quarantine(conn, 0, [kept]) == 1
    lenient = Shipper(settings)
    lenient.ship(conn)
    lenient.close()
    (message,) = read_topic(settings, topic)
    assert (message.key(), message.value()) == (b"k", b"x" * 5000)


@pytest.mark.parametrize(
    ("kind", "topic"), [("dead_letter", dead_letter_topic), ("form", form_topic)]
)
def test_dead_letters_and_forms_go_to_topics_of_ours(
    conn: Conn,
    settings: Settings,
    shipper: Shipper,
    kind: str,
    topic: Callable[[Settings], str],
) -> None:
    publish(conn, event("any", "told"))
    conn.execute("update onceflow.outbox set kind = %s", (kind,))
    shipper.ship(conn)
    (message,) = read_topic(settings, topic(settings))
    assert message.value() == b"told"


def test_a_rollback_after_the_acknowledgement_ships_again(
    conn: Conn, settings: Settings, shipper: Shipper
) -> None:
    ids = start(conn, 3)
    with conn.transaction(force_rollback=True):
        shipper.ship(conn)
    assert backlog(conn) == 3
    shipper.ship(conn)
    assert backlog(conn) == 0
    assert shipped_tasks(settings) == dict.fromkeys(ids, 2)


def test_two_shippers_never_take_the_same_row(
    conn: Conn, connect: Connect, settings: Settings
) -> None:
    ids = start(conn, 5000)
    stop = threading.Event()
    shippers = [Shipper(settings), Shipper(settings)]
    threads = [threading.Thread(target=shipper.run, args=(connect(), stop)) for shipper in shippers]
    for thread in threads:
        thread.start()
    wait_until_shipped(conn)
    stop.set()
    for thread in threads:
        thread.join()
    for shipper in shippers:
        shipper.close()
    assert shipped_tasks(settings) == dict.fromkeys(ids, 1)


def test_rows_are_not_blamed_for_a_broker_that_is_away(
    conn: Conn, settings: Settings, own_broker: EmbeddedBroker
) -> None:
    shipper = Shipper(replace(settings, kafka=own_broker.bootstrap))
    try:
        start(conn, 1)
        shipper.ship(conn)
        own_broker.stop()
        start(conn, 5)
        with pytest.raises(BrokerAway):
            shipper.ship(conn)
    finally:
        shipper.close()
    rows = conn.execute("select tries, not_before from onceflow.outbox").fetchall()
    assert rows == [(0, None)] * 5


def test_a_producer_that_a_restarted_broker_does_not_know_is_replaced(
    conn: Conn, settings: Settings, own_broker: EmbeddedBroker
) -> None:
    settings = replace(settings, kafka=own_broker.bootstrap)
    shipper = Shipper(settings)
    try:
        start(conn, 3)
        shipper.ship(conn)
        own_broker.stop()
        own_broker.start()
        ids = start(conn, 3)
        for _ in range(3):
            make_due(conn)
            shipper.ship(conn)
        assert backlog(conn) == 0
        assert shipped_tasks(settings).keys() == set(ids)
    finally:
        shipper.close()
