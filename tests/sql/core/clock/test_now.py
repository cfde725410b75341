"""now"""

from datetime import UTC, datetime, timedelta

from ...play import Play
from ...workflows import Step, sequence, workflow


def test_it_is_the_time_at_which_the_statement_began(play: Play) -> None:
    with play.conn.transaction():
        begin = play.row("select onceflow.now(), statement_timestamp(), now()")
        later = play.row("select onceflow.now(), statement_timestamp(), now()")
    assert begin[0] == begin[1]
    assert later[0] == later[1] > begin[0]
    assert later[2] == begin[2]


def test_one_call_sees_one_time_throughout(play: Play) -> None:
    instance = play.begin(workflow(*[Step(f"s{n}") for n in range(50)]))
    times = play.rows("select distinct changed_at from onceflow.tasks")
    assert times == [play.instance(instance, "started_at")]
    assert play.rows("select distinct at from onceflow.transitions") == times


def test_a_time_that_a_test_has_set_is_everybodys(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2031-05-06 07:08+00')")
    instance = play.begin(sequence("a"))
    assert play.instance(instance, "started_at") == (datetime(2031, 5, 6, 7, 8, tzinfo=UTC),)
    play.complete(instance, "a")
    started_at, ended_at = play.instance(instance, "started_at", "ended_at")
    assert ended_at - started_at == timedelta(0)
