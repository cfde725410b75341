"""expire_workers"""

from datetime import timedelta

from ...play import Play, Ticked, Worker, end_grace, pass_time
from ...workflows import sequence

NOTHING = Ticked()


def test_a_live_workers_tasks_are_left_alone_however_long_they_run(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    end_grace(play.conn)
    pass_time(play.conn, "10 years")
    assert play.tick() == NOTHING
    assert play.state(instance, "a") == "RUNNING"


def test_after_a_gap_between_ticks_no_worker_is_declared_dead_for_a_whole_lease(
    play: Play,
) -> None:
    play.worker.vanish()
    play.conn.execute("update onceflow.clock set last_tick_at = last_tick_at - interval '1 min'")
    assert play.tick().lost_workers == 0
    grace = play.value("select grace_until - last_tick_at from onceflow.clock")
    assert timedelta(seconds=50) < grace <= timedelta(seconds=60)
    assert play.tick().lost_workers == 0
    play.conn.execute("update onceflow.clock set grace_until = clock_timestamp()")
    assert play.tick().lost_workers == 1


# guarantee: no-grace
def test_the_first_tick_of_all_declares_nobody_dead(play: Play) -> None:
    play.worker.vanish()
    play.conn.execute("update onceflow.clock set last_tick_at = null")
    assert play.tick().lost_workers == 0


def test_the_grace_is_that_of_the_longest_lease(play: Play) -> None:
    Worker(play.conn, lease=300.0)
    Worker(play.conn, lease=5.0)
    play.tick()
    grace = play.value("select grace_until - last_tick_at from onceflow.clock")
    assert timedelta(seconds=290) < grace <= timedelta(seconds=300)


def test_the_test_clock_ends_no_lease(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    end_grace(play.conn)
    pass_time(play.conn, "1 year")
    assert play.tick() == NOTHING
    play.worker.renew(play.worker.next_token())
    assert play.value(
        "select lease_until < clock_timestamp() + interval '1 h' from onceflow.workers"
    )


def test_workers_that_ended_are_forgotten_after_a_day(play: Play) -> None:
    yesterday = "clock_timestamp() - interval '25 hours'"
    for state in ("stopped", "dead"):
        Worker(play.conn, state)
    play.conn.execute(
        f"update onceflow.worker set state = name, ended_at = {yesterday} where name <> 'w'"
    )
    Worker(play.conn, "stopped lately").stop()
    play.tick()
    assert play.rows("select name from onceflow.workers order by 1") == [
        ("stopped lately",),
        ("w",),
    ]
