"""`return` and `goto`: where an instance ends, and where a list goes on."""

from onceflow.engine import calls

from ...play import Play, tick
from .support import Blocks, Json, task
from .test_repeating import repeat


def goto(name: str, to: str, **more: Json) -> Json:
    """Return a goto."""
    return {"id": name, "goto": to, **more}


def give(name: str, value: Json, **more: Json) -> Json:
    """Return a return."""
    return {"id": name, "return": value, **more}


# return


# guarantee: return-passes-nothing
def test_an_instance_returns_with_a_value_instead_of_its_output(play: Play) -> None:
    run = Blocks(
        play,
        task("a"),
        give("r", {"a": "$.steps.a.output"}, when="$.steps.a.output == 1"),
        task("b"),
        output="$.steps.b.output",
    )
    run.done("a", output=1)
    assert (run.state(), run.output()) == ("SUCCEEDED", {"a": 1})
    assert run.states() == {"a": "SUCCEEDED", "r": "SUCCEEDED"}
    other = Blocks(play, task("a"), give("r", 1, when=False), task("b"), output="$.steps.b.output")
    other.done("a")
    other.done("b", output=2)
    assert (other.state(), other.output()) == ("SUCCEEDED", 2)


# guarantee: return-ends-blocks
def test_blocks_around_it_succeed_with_null_and_nothing_follows(play: Play) -> None:
    case = [{"when": True, "steps": [task("a"), give("r", 7), task("b")]}]
    inner: Json = {"id": "t", "try": [{"id": "s", "switch": case}], "retry": {}, "output": 5}
    run = Blocks(play, repeat("p", inner, until=False), task("z"))
    run.done("p[0]/t[0]/s[0]/a")
    assert (run.state(), run.output()) == ("SUCCEEDED", 7)
    assert run.states() == {
        "p": "SUCCEEDED",
        "p[0]/t": "SUCCEEDED",
        "p[0]/t[0]/s": "SUCCEEDED",
        "p[0]/t[0]/s[0]/a": "SUCCEEDED",
        "p[0]/t[0]/s[0]/r": "SUCCEEDED",
    }
    outputs = play.rows(
        "select distinct output from onceflow.tasks where instance_id = %s"
        " and kind in ('repeat', 'try', 'switch')",
        run.id,
    )
    assert outputs == [(None,)]
    assert set(run.scopes().values()) == {"SUCCEEDED"}
    assert calls.check_instances(play.conn) == []


def test_the_instance_waits_until_what_a_race_has_left_behind_is_undone(play: Play) -> None:
    losers = {"l": [task("l", undo=True), task("more")], "w": [task("w")]}
    run = Blocks(play, {"id": "x", "race": losers}, give("r", 1))
    run.done("x[0]/l")
    run.done("x[1]/w")
    assert (run.state(), run.due()) == ("RUNNING", ["x[0]/l.compensate"])
    run.done("x[0]/l.compensate")
    assert (run.state(), run.output()) == ("SUCCEEDED", 1)


# goto


# guarantee: jumped-over-null
def test_it_goes_on_with_the_step_that_is_named_before_or_behind(play: Play) -> None:
    run = Blocks(
        play,
        task("a"),
        goto("ok", "z", when="$.steps.a.output == 1"),
        task("b", {"a": "$.steps.a.output", "z": "$.steps.z.output"}),
        goto("again", "a"),
        task("z", {"b": "$.steps.b.state"}),
    )
    run.done("a", output=0)
    run.take("b")
    assert run.grants["b"].input == {"a": 0, "z": None}
    run.done("b")
    assert run.states() == {
        "a": "SUCCEEDED",
        "a#1": "QUEUED",
        "again": "SUCCEEDED",
        "b": "SUCCEEDED",
        "ok": "SKIPPED",
    }
    assert (run.key("a#1").task, run.due()) == ("a/0/1", ["a#1"])
    run.done("a#1", output=1)
    assert (run.state("ok#1"), run.due()) == ("SUCCEEDED", ["z"])
    run.done("z")
    assert run.state() == "SUCCEEDED"
    assert calls.check_instances(play.conn) == []


# guarantee: visit-own
def test_a_step_that_is_jumped_over_at_first_is_visited_for_the_first_time(play: Play) -> None:
    run = Blocks(
        play,
        task("a"),
        goto("over", "c", when="$.steps.a.output == 0"),
        task("b"),
        task("c"),
        goto("back", "a", when="$.steps.b.state == null"),
    )
    run.done("a", output=0)
    run.done("c")
    run.done("a#1", output=1)
    assert run.due() == ["b"]
    run.done("b")
    assert run.due() == ["c#1"]
    run.done("c#1")
    assert (run.state(), run.state("back#1")) == ("SUCCEEDED", "SKIPPED")


def test_end_ends_the_list_and_the_output_of_the_block_comes_behind(play: Play) -> None:
    inner = [task("a"), goto("g", "end", when="$.steps.a.output == 1"), task("b")]
    run = Blocks(
        play,
        {"id": "s", "steps": inner, "output": {"a": "$.steps.a.output", "b": "$.steps.b.output"}},
        output="$.steps.s.output",
    )
    run.done("s[0]/a", output=1)
    assert (run.state(), run.output()) == ("SUCCEEDED", {"a": 1, "b": None})


# guarantee: visit-limit
def test_the_thousand_and_first_visit_fails(play: Play) -> None:
    run = Blocks(play, {"id": "a", "set": 1}, goto("g", "a"), on_failure="fail")
    # So many waves are more than one transition makes.
    for _ in range(3):
        tick(play.conn)
    assert run.state() == "FAILED"
    assert play.instance(run.id, "error")[0]["code"] == "flow.limit"
    assert play.value("select count(*) from onceflow.task where step = 'a'") == 1001


def test_each_visit_is_undone_the_last_first(play: Play) -> None:
    run = Blocks(
        play,
        task("a", undo=True),
        goto("g", "a", when="$.steps.a.output == 0"),
        {"id": "f", "fail": {"code": "late"}},
    )
    run.done("a", output=0)
    run.done("a#1", output=1)
    run.done("a.compensate#1")
    run.done("a.compensate")
    assert (run.state(), run.undone()) == ("COMPENSATED", ["a#1", "a"])


def test_a_block_that_is_visited_again_has_scopes_of_its_own(play: Play) -> None:
    run = Blocks(
        play,
        {"id": "p", "parallel": {"x": [task("a")], "y": [task("b")]}},
        goto("g", "p", when="$.steps.p.output.x == 0"),
    )
    run.complete({"p[0]/a": 0, "p[1]/b": 0})
    states = {path: state for path, state in run.states().items() if state == "QUEUED"}
    assert len(states) == 2
    assert play.value("select count(*) from onceflow.scope") == 4
    assert calls.check_instances(play.conn) == []
