"""register_worker"""

from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument, WorkerNotLive

from ...play import Play


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


def register(play: Play, worker: UUID, name: str = "w1", lease: float = 5) -> UUID:
    """Register a worker under an id of the caller's."""
    return calls.register_worker(play.conn, name, ["q"], ["t"], lease, {}, worker)


def test_a_registration_repeated_with_its_id_is_one_worker_whose_lease_begins_again(
    play: Play,
) -> None:
    worker = uuid4()
    lease = "select lease_until from onceflow.workers where id = %s"
    assert register(play, worker) == worker
    before = play.value(lease, worker)
    assert register(play, worker) == worker
    assert play.value(lease, worker) > before
    assert play.value("select count(*) from onceflow.workers where name = 'w1'") == 1


@pytest.mark.parametrize(("name", "lease"), [("other", 5), ("w1", 6)])
def test_an_id_that_another_worker_bears_is_refused(play: Play, name: str, lease: float) -> None:
    worker = uuid4()
    register(play, worker)
    with pytest.raises(BadArgument, match="registered with another name"):
        register(play, worker, name, lease)


def test_a_worker_that_has_stopped_is_not_registered_again(play: Play) -> None:
    worker = uuid4()
    register(play, worker)
    calls.stop_worker(play.conn, worker)
    with pytest.raises(WorkerNotLive, match="stopped"):
        register(play, worker)
    assert play.value("select state from onceflow.workers where id = %s", worker) == "stopped"


def test_a_worker_declared_dead_is_not_registered_again(play: Play) -> None:
    worker = uuid4()
    register(play, worker, lease=0.1)
    play.conn.execute("update onceflow.worker set state = 'dead', ended_at = clock_timestamp()")
    with pytest.raises(WorkerNotLive, match="dead"):
        register(play, worker, lease=0.1)
