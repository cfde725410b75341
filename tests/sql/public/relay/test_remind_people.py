"""remind_people: their systems are told of forms, and again as long as these are open."""

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...core.forms.support import answer, asking, told
from ...core.waiting.support import begin
from ...play import Play, pass_time


# guarantee: form-remind
def test_their_systems_are_told_and_reminded_as_long_as_it_is_open(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2026-11-26T08:00:00Z')")
    instance = begin(play, asking(remind="1d", due="9d"))
    (opened,) = told(play)
    assert opened == {
        "event": "form.opened", "instance": str(instance), "task": "ask", "workflow": "flow",
        "to": ["managers"], "claimed_by": None, "due": "2026-12-05T08:00:00.000Z",
        "at": "2026-11-26T08:00:00.000Z", "labels": {},
    }  # fmt: skip
    play.tick()
    pass_time(play.conn, "25 hours")
    play.tick()
    play.tick()
    assert [event["event"] for event in told(play)] == ["form.opened", "form.reminder"]
    # However long the clock was away, one for all.
    pass_time(play.conn, "72 hours")
    play.tick()
    play.tick()
    assert len(told(play)) == 3
    assert play.rows("select remind_at = '2026-12-01T08:00:00Z' from onceflow.forms") == [(True,)]
    calls.reassign_forms(play.conn, [Key(instance, "ask")], "boss", ["eve"])
    assert [(e["event"], e["to"]) for e in told(play)[3:]] == [("form.reassigned", ["eve"])]
    answer(play, instance)
    pass_time(play.conn, "5 days")
    play.tick()
    assert len(told(play)) == 4


def test_without_kafka_nobody_is_told(play: Play) -> None:
    play.conn.execute("update onceflow.deployment set transport = 'postgres'")
    instance = begin(play, asking(remind="1d"))
    pass_time(play.conn, "25 hours")
    play.tick()
    assert told(play) == []
    assert answer(play, instance).outcome == "accepted"
