"""Lost messages on real brokers: found when they are lost, and never because workers are slow."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient

from onceflow.engine.calls import read_watermark, requeue_lost_tasks
from onceflow.engine.dev.broker import EmbeddedBroker
from onceflow.engine.kafka_names import task_topic
from onceflow.engine.settings import Settings
from onceflow.relay.lost_messages import LostMessages, TopicReader
from onceflow.relay.shipper import Shipper

from ..conftest import Connect
from ..support import wait_until
from .support import Conn, backlog, commit, partitions, read_topic, shipped_tasks, start

pytestmark = pytest.mark.only("kafka", reason="it is about the broker")

QUEUES = ["default"]


@pytest.fixture
def shipper(settings: Settings) -> Generator[Shipper]:
    with shipper_of(settings) as made:
        yield made


@pytest.fixture
def lost(settings: Settings) -> Generator[LostMessages]:
    with search_of(settings) as made:
        yield made


@contextmanager
def shipper_of(settings: Settings) -> Generator[Shipper]:
    made = Shipper(settings)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def search_of(settings: Settings) -> Generator[LostMessages]:
    made = LostMessages(settings)
    try:
        yield made
    finally:
        made.close()


def ship(shipper: Shipper, conn: Conn) -> None:
    """Ship, and wait until what was shipped lies behind every transaction that runs beside us.

    Those of other databases hold the watermark back too: it would be looked for too early.
    """
    shipper.ship(conn)
    wait_until(lambda: _all_lie_behind(conn), "the end of older transactions")


def _all_lie_behind(conn: Conn) -> bool:
    (behind,) = conn.execute(
        "select coalesce(max(queued_xid::text::bigint), 0)"
        " < pg_snapshot_xmin(pg_current_snapshot())::text::bigint from onceflow.task"
    ).fetchone() or (False,)
    return behind


def search(lost: LostMessages, conn: Conn, times: int = 4) -> int:
    """Search several times, as upkeep does; return how many messages wait to be shipped then."""
    for _ in range(times):
        lost.search(conn, QUEUES)
    return backlog(conn)


def test_a_backlog_that_nobody_has_consumed_is_left_alone(
    conn: Conn, shipper: Shipper, lost: LostMessages
) -> None:
    start(conn, 200)
    ship(shipper, conn)
    assert search(lost, conn) == 0


def test_a_backlog_is_left_alone_while_workers_consume_it_slowly(
    conn: Conn, settings: Settings, shipper: Shipper, lost: LostMessages
) -> None:
    start(conn, 200)
    ship(shipper, conn)
    search(lost, conn, 1)
    for left in (80, 20, 5, 1):
        commit(settings, leave=left)
        assert search(lost, conn) == 0, f"{left} messages of each partition are unread"


def test_what_comes_after_the_watch_is_left_alone(
    conn: Conn, settings: Settings, shipper: Shipper, lost: LostMessages
) -> None:
    start(conn, 20)
    ship(shipper, conn)
    search(lost, conn, 1)
    commit(settings)
    start(conn, 20)
    ship(shipper, conn)
    lost.search(conn, QUEUES)
    # The first twenty were consumed and never claimed; the second have not been consumed.
    assert backlog(conn) == 20
    ship(shipper, conn)
    assert search(lost, conn) == 0


def test_messages_consumed_and_never_claimed_are_shipped_again_once(
    conn: Conn, settings: Settings, shipper: Shipper, lost: LostMessages
) -> None:
    ids = start(conn, 40)
    ship(shipper, conn)
    commit(settings)
    assert search(lost, conn) == 40
    ship(shipper, conn)
    assert shipped_tasks(settings) == dict.fromkeys(ids, 2)
    assert search(lost, conn) == 0


def test_rows_still_in_the_outbox_are_not_lost(
    conn: Conn, settings: Settings, shipper: Shipper, lost: LostMessages
) -> None:
    start(conn, 5)
    ship(shipper, conn)
    commit(settings)
    start(conn, 5)
    search(lost, conn)
    assert backlog(conn) == 10
    ids = {row[0] for row in conn.execute("select key from onceflow.outbox").fetchall()}
    assert len(ids) == 10, "the five that waited were not queued a second time"


def test_a_dispatch_of_an_open_transaction_is_not_lost(
    conn: Conn, connect: Connect, settings: Settings, shipper: Shipper, lost: LostMessages
) -> None:
    start(conn, 1)
    ship(shipper, conn)
    commit(settings)
    other = connect()
    with other.transaction():
        start(other, 3)
        before = read_watermark(conn)
        search(lost, conn, 2)
    assert requeue_lost_tasks(conn, "default", before, 100) == 0
    assert backlog(conn) == 3 + 1


def test_a_broker_that_restarted_empty_gets_its_messages_again(
    conn: Conn, settings: Settings, own_broker: EmbeddedBroker
) -> None:
    settings = replace(settings, kafka=own_broker.bootstrap)
    with shipper_of(settings) as shipper, search_of(settings) as lost:
        ids = start(conn, 30)
        ship(shipper, conn)
        assert search(lost, conn) == 0
        own_broker.stop()
        own_broker.start()
        assert search(lost, conn) == 30
    with shipper_of(settings) as shipper:
        ship(shipper, conn)
    assert backlog(conn) == 0
    assert shipped_tasks(settings) == dict.fromkeys(ids, 1)
    with search_of(settings) as lost:
        assert search(lost, conn) == 0


def test_messages_lost_before_any_watch_are_found(
    conn: Conn, settings: Settings, own_broker: EmbeddedBroker
) -> None:
    settings = replace(settings, kafka=own_broker.bootstrap)
    with shipper_of(settings) as shipper:
        start(conn, 30)
        ship(shipper, conn)
    own_broker.stop()
    own_broker.start()
    with search_of(settings) as lost:
        assert search(lost, conn) == 30


def test_a_deleted_topic_holds_nothing(
    conn: Conn, settings: Settings, shipper: Shipper, lost: LostMessages
) -> None:
    start(conn, 10)
    ship(shipper, conn)
    assert search(lost, conn) == 0
    topic = task_topic(settings, "default")
    # A variable keeps the client alive until the future is done.
    admin = AdminClient({**settings.kafka_config()})
    admin.delete_topics([topic])[topic].result()  # pyright: ignore[reportUnknownMemberType]
    if partitions(settings, topic):
        pytest.skip("this broker deletes no topics")
    assert lost.search(conn, QUEUES) == {"default"}
    assert search(lost, conn) == 10


def test_two_relays_queue_a_lost_task_once(
    conn: Conn, settings: Settings, shipper: Shipper, lost: LostMessages
) -> None:
    start(conn, 20)
    ship(shipper, conn)
    commit(settings)
    with search_of(settings) as other:
        for _ in range(3):
            lost.search(conn, QUEUES)
            other.search(conn, QUEUES)
    assert backlog(conn) == 20


def test_the_end_of_a_log_is_behind_its_last_record(
    conn: Conn, settings: Settings, shipper: Shipper
) -> None:
    topic = task_topic(settings, "default")
    reader = TopicReader(settings)
    try:
        for count in (1, 50, 7):
            start(conn, count)
            ship(shipper, conn)
            told = reader.read([topic])[topic]
            assert told is not None
            ends = {number: part.end for number, part in told.partitions.items()}
            seen = dict.fromkeys(ends, 0)
            for message in read_topic(settings, topic):
                number, offset = message.partition(), message.offset()
                assert number is not None
                assert offset is not None
                seen[number] = max(seen[number], offset + 1)
            assert ends == seen
    finally:
        reader.close()


def test_a_topic_that_does_not_exist_is_none_and_is_not_made(settings: Settings) -> None:
    reader = TopicReader(settings)
    try:
        topic = task_topic(settings, "never")
        assert reader.read([topic]) == {topic: None}
        assert partitions(settings, topic) == 0
    finally:
        reader.close()
