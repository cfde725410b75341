"""open_dead_letters"""

from onceflow.engine import calls

from ....play import Play
from ....workflows import sequence

KEYS = "select instance_id, task from onceflow.{} where {} order by 1, 2"


def test_they_are_the_open_ones_among_the_dead_letters(play: Play) -> None:
    kept, dropped = (play.begin(sequence("a", on_failure="suspend")) for _ in range(2))
    for instance in (kept, dropped):
        play.fail(instance, "a")
    assert len(play.rows("select from onceflow.open_dead_letters")) == 2
    play.rows("select * from onceflow.cancel_instances(array[%s::uuid])", dropped)
    found = play.rows(KEYS.format("open_dead_letters", "true"))
    assert found == play.rows(KEYS.format("dead_letters", "open")) == [(kept, "a")]
    assert len(play.rows(KEYS.format("dead_letters", "true"))) == 2


def test_one_look_into_the_index_of_open_ones_finds_them(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.start_instances(play.conn, "flow", [{} for _ in range(500)])
    play.conn.execute("analyze onceflow.task")
    play.conn.execute("set enable_seqscan = off")
    plan = play.rows("explain select instance_id from onceflow.open_dead_letters")
    assert all("instance_id_idx" in line for (line,) in plan if "Scan" in line)
