"""Topics that start instances, over a real broker: taken once each, whatever becomes of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from onceflow.engine.calls import release_quarantine
from onceflow.engine.settings import Settings

from ..sql.topics import KEY, faults
from ..sql.workflows import fields, path
from ..support import wait_until
from .support import Conn, relay_processes
from .topics import Topic, has_started, intake, started

pytestmark = pytest.mark.only("kafka", reason="it is about topics")


def test_each_record_counts_once_and_a_topic_made_anew_begins_anew(
    conn: Conn, settings: Settings
) -> None:
    topic = Topic(settings)
    topic.deploy(conn)
    topic.orders(range(700))
    with intake(settings):
        wait_until(has_started(conn, 700), "700 instances")
    assert started(conn) == list(range(700))
    stand = "select sum(position)::int from onceflow.topic_positions"
    assert conn.execute(stand).fetchone() == (700,)
    topic.delete()
    topic.make()
    topic.orders(range(1000, 1030))
    with intake(settings):
        wait_until(has_started(conn, 730), "those of the new topic")
    assert started(conn) == [*range(700), *range(1000, 1030)]
    assert conn.execute(stand).fetchone() == (30,)


# guarantee: records-unlocked
def test_two_relays_that_both_believe_that_they_own_all_partitions(
    conn: Conn, settings: Settings
) -> None:
    """They are of two groups, so that each of them receives every record."""
    topic = Topic(settings)
    topic.deploy(conn)
    topic.orders(range(1500))
    with intake(settings, replace(settings, prefix=f"{settings.prefix}-other")):
        wait_until(has_started(conn, 1500), "1500 instances")
        topic.orders(range(1500, 1600))
        wait_until(has_started(conn, 1600), "100 more")
    assert started(conn) == list(range(1600))


def test_what_cannot_be_taken_is_told_with_its_place_and_taken_again_when_released(
    conn: Conn, settings: Settings
) -> None:
    topic = Topic(settings, partitions=1)
    topic.deploy(conn, key=KEY, input=fields(order=path('$."value"'), by=path('$."key"')))
    # No order has a value that no JSON has, or that Postgres keeps none of.
    bad = [b"{", b"\xff", b'{"id": "a\\u0000"}', b'"\\ud800"', b'{"id": 1e131071}', b"", None]
    topic.orders(range(3))
    topic.put(bad, key="k")
    topic.put([b'{"id": 1e400}'], key=b"\xff")
    topic.put([b'{"id": 1000}'], key="k", headers=[("h", b"\xff"), ("n", None), ("s", b"x")])
    with intake(settings):
        wait_until(has_started(conn, 4), "those that can be taken")
        told = faults(conn)
        assert told.keys() == set(range(3, 11))
        assert told[3].startswith("the value is not JSON: ")
        assert told[5] == "the value at /id has a NUL character"
        assert told[7].startswith("the value at /id has more than 1000 digits")
        assert told[9].startswith('$."value"."id": ')
        assert told[10].startswith('$."key": '), "a key that is no text is not there"
        # The definition is mended; then they are taken again.
        topic.deploy(conn, key=path('$."offset"'), input=fields(order=path('$."value"')))
        ids = [row[0] for row in conn.execute("select id from onceflow.quarantined").fetchall()]
        assert release_quarantine(conn, 0, ids) == 8
        wait_until(has_started(conn, 6), "what can be taken now")
    assert faults(conn).keys() == set(range(3, 9))


def test_a_topic_that_is_missing_is_told_and_holds_up_no_other(
    conn: Conn, settings: Settings
) -> None:
    topic, late = Topic(settings), Topic(settings, "late")
    late.delete()
    late.deploy(conn, name="waiting")
    topic.deploy(conn)
    topic.orders(range(5))
    problem = "select problem from onceflow.triggers where workflow = 'waiting'"
    with intake(settings):
        wait_until(has_started(conn, 5), "those of the topic that is there")
        wait_until(lambda: conn.execute(problem).fetchone() != (None,), "a word about the other")
        (told,) = conn.execute(problem).fetchone() or ("",)
        assert told.startswith(f"topic {late.name} does not exist on the broker")
        late.make()
        late.orders(range(3))
        wait_until(has_started(conn, 3, "waiting"), "those of the topic that came late")
        wait_until(lambda: conn.execute(problem).fetchone() == (None,), "nothing more to be told")


def test_paused_it_takes_nothing_and_resumed_all_that_has_come_meanwhile(
    conn: Conn, settings: Settings
) -> None:
    topic = Topic(settings, partitions=1)
    topic.deploy(conn)
    conn.execute("update onceflow.trigger set paused_at = now()")
    topic.orders(range(5))
    with intake(settings):
        conn.execute("update onceflow.trigger set paused_at = null")
        wait_until(has_started(conn, 5), "those of the pause")
    assert started(conn) == list(range(5))


def test_killed_behind_the_commit_each_record_counts_once(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    topic = Topic(settings)
    topic.deploy(conn)
    topic.orders(range(1200))
    failpoint = {"ONCEFLOW_FAILPOINT": "relay.after_take:kill:2"}
    with relay_processes(settings, tmp_path, ["killed"], **failpoint) as (killed,):
        assert killed.wait() == -9
    # Of another group, it need not wait for the session of the one that was killed.
    with intake(replace(settings, prefix=f"{settings.prefix}-other")):
        wait_until(has_started(conn, 1200), "1200 instances")
    assert started(conn) == list(range(1200))
