"""requeue_lost_tasks"""

from contextlib import closing

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ....servers import Database
from ...play import Play, take_messages, watermark
from ...workflows import Step, sequence, workflow


def test_a_queued_task_is_shipped_again(play: Play) -> None:
    instance = play.begin(sequence("a"))
    assert take_messages(play.conn) == [Key(instance, "a")]
    before = watermark(play.conn)
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 1
    assert take_messages(play.conn) == [Key(instance, "a")]
    assert play.log(instance, "a") == ["QUEUED", "QUEUED"]


def test_it_is_a_new_dispatch_that_the_same_watermark_does_not_find_again(play: Play) -> None:
    play.begin(sequence("a"))
    take_messages(play.conn)
    before = watermark(play.conn)
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 1
    take_messages(play.conn)
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 0


# guarantee: watermark-backlog
def test_what_was_queued_after_the_watermark_is_not_lost(play: Play) -> None:
    before = calls.read_watermark(play.conn)
    play.begin(sequence("a"))
    take_messages(play.conn)
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 0


def test_only_queued_tasks_of_that_queue_are_shipped_again(play: Play) -> None:
    steps = [Step("queued"), Step("running"), Step("retrying"), Step("other", queue="other")]
    instance = play.begin(workflow(*steps))
    play.take(instance, "running")
    play.fail(instance, "retrying", retryable=True)
    take_messages(play.conn)
    before = watermark(play.conn)
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 1
    assert take_messages(play.conn) == [Key(instance, "queued")]


def test_no_more_are_shipped_than_the_limit_the_oldest_first(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = [play.start("flow") for _ in range(5)]
    take_messages(play.conn)
    before = watermark(play.conn)
    assert calls.requeue_lost_tasks(play.conn, "default", before, 2) == 2
    assert {key.instance_id for key in take_messages(play.conn)} == set(ids[:2])
    counts = [calls.requeue_lost_tasks(play.conn, "default", before, 2) for _ in range(3)]
    assert counts == [2, 1, 0]


def test_a_queue_that_nobody_knows_has_nothing_lost(play: Play) -> None:
    before = watermark(play.conn)
    assert calls.requeue_lost_tasks(play.conn, "none", before, 10) == 0


def test_a_lost_compensation_is_shipped_again(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    play.fail(instance, "b")
    take_messages(play.conn)
    before = watermark(play.conn)
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 1
    assert take_messages(play.conn) == [Key(instance, "a.compensate")]


def test_the_old_message_that_turns_up_after_all_is_a_duplicate(play: Play) -> None:
    instance = play.begin(sequence("a"))
    old = take_messages(play.conn)
    calls.requeue_lost_tasks(play.conn, "default", watermark(play.conn), 10)
    (grant,) = play.worker.claim(*old)
    assert play.worker.claim_all() == []
    play.worker.complete(grant)
    assert play.state(instance) == "SUCCEEDED"


# guarantee: requeue-of-others
def test_what_others_hold_between_them_is_passed_over(
    play: Play, shared_database: Database
) -> None:
    play.deploy(sequence("a"))
    ids = sorted(play.start("flow") for _ in range(3))
    take_messages(play.conn)
    before = watermark(play.conn)
    play.conn.execute("set lock_timeout = '2s'")
    with closing(shared_database.connect()) as other, other.transaction():
        lock = "select from onceflow.instance where id = %s for no key update"
        other.execute(lock, (ids[1],))
        assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 2
    assert {key.instance_id for key in take_messages(play.conn)} == {ids[0], ids[2]}
    play.conn.execute("set lock_timeout = 0")
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 1
