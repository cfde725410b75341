"""register_worker"""

from datetime import timedelta

import psycopg
import pytest

from onceflow.engine import calls

from .play import Play


def test_each_registration_is_a_worker_of_its_own(play: Play) -> None:
    ids = {calls.register_worker(play.conn, "same", ["q"], ["t"], 5) for _ in range(3)}
    assert len(ids) == 3
    assert play.value("select count(*) from onceflow.workers where name = 'same'") == 3


def test_what_it_said_is_shown(play: Play) -> None:
    worker = calls.register_worker(play.conn, "w1", ["b", "a"], ["mail.send"], 2.5)
    shown = play.row(
        "select name, queues, tasks, state, running, stats, progress, ended_at"
        " from onceflow.workers where id = %s",
        worker,
    )
    assert shown == ("w1", ["b", "a"], ["mail.send"], "live", 0, {}, {}, None)


def test_the_lease_begins_now_by_the_real_clock(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2001-01-01')")
    worker = calls.register_worker(play.conn, "w1", ["q"], [], 2.5)
    row = play.row(
        "select lease_until - registered_at, registered_at > clock_timestamp() - interval '1 min'"
        " from onceflow.workers where id = %s",
        worker,
    )
    assert timedelta(seconds=2.4) < row[0] < timedelta(seconds=2.6)
    assert row[1]


def test_its_queues_become_known_also_twice(play: Play) -> None:
    for _ in range(2):
        calls.register_worker(play.conn, "w1", ["pdf", "mail", "pdf"], [], 5)
    assert calls.list_queues(play.conn) == ["default", "mail", "pdf"]


@pytest.mark.parametrize("lease", [0, 0.05, 3601, -1])
def test_a_lease_out_of_range_is_refused(play: Play, lease: float) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="worker_lease_check"):
        calls.register_worker(play.conn, "w1", ["q"], [], lease)


@pytest.mark.parametrize("queue", ["", "a b", "-x", "x" * 129, "a/b"])
def test_a_queue_whose_name_can_be_no_topic_is_refused(play: Play, queue: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="queue_name_check"):
        calls.register_worker(play.conn, "w1", [queue], [], 5)
