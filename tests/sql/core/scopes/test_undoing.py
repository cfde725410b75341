"""Ways back: of items, of losers, of blocks, of an instance with blocks; each row once."""

from onceflow.engine import calls

from ...play import Play
from .support import Blocks, each, task

ITEMS = "$.input.items"


def test_an_instance_undoes_its_blocks_in_their_place(play: Play) -> None:
    run = Blocks(
        play,
        task("a", undo=True),
        each("e", ITEMS, task("b", undo=True), task("c", undo=True), max_parallel=2),
        task("z"),
        given={"items": [1, 2, 3]},
    )
    run.done("a")
    for items in ((0, 1), (2,)):
        for step in "bc":
            run.done(*(f"e[{n}]/{step}" for n in items))
    run.fails("z")
    assert run.state() == "COMPENSATING"
    # The last ordinals first, two at a time, each from its last step.
    assert run.due() == ["e[1]/c.compensate", "e[2]/c.compensate"]
    run.done("e[2]/c.compensate")
    run.done("e[2]/b.compensate")
    assert run.due() == ["e[0]/c.compensate", "e[1]/c.compensate"]
    run.done("e[0]/c.compensate", "e[1]/c.compensate")
    run.done("e[0]/b.compensate", "e[1]/b.compensate")
    assert run.due() == ["a.compensate"]
    run.done("a.compensate")
    assert run.state() == "COMPENSATED"


def test_a_loser_is_undone_behind_its_block(play: Play) -> None:
    run = Blocks(
        play,
        {"id": "r", "race": {"x": [task("a")], "y": [task("b", undo=True), task("c")]}},
        task("z"),
    )
    run.done("r[1]/b")
    run.done("r[0]/a")
    assert run.due() == ["r[1]/b.compensate", "z"]
    run.done("z")
    assert run.state() == "RUNNING"
    run.done("r[1]/b.compensate")
    assert run.state() == "SUCCEEDED"


def test_what_is_undone_once_is_not_undone_again(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1),
        task("z"),
        given={"items": [1, 2]},
    )
    run.done("e[0]/a", "e[1]/a")
    run.fails("e[0]/b")
    run.done("e[0]/a.compensate", "e[1]/b")
    run.fails("z")
    assert run.due() == ["e[1]/a.compensate"]
    run.done("e[1]/a.compensate")
    assert (run.state(), run.undone()) == ("COMPENSATED", ["e[0]/a", "e[1]/a"])


def test_a_way_back_that_has_begun_is_finished_when_its_instance_closes(play: Play) -> None:
    run = Blocks(
        play, each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1), given={"items": [1, 2]}
    )
    run.done("e[0]/a", "e[1]/a")
    run.fails("e[0]/b")
    run.take("e[0]/a.compensate")
    calls.cancel_instances(play.conn, [run.id])
    assert run.state() == "CLOSING"
    run.done("e[0]/a.compensate")
    assert run.due() == ["e[1]/a.compensate"]
    run.done("e[1]/a.compensate")
    assert run.state() == "CANCELLED"


def test_a_discarded_compensation_of_an_item_is_told_by_an_instance_that_closes(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1),
        task("z"),
        given={"items": [1]},
    )
    run.done("e[0]/a")
    run.fails("e[0]/b")
    run.fails("e[0]/a.compensate")
    assert run.state("e") == "WAITING"
    calls.discard_dead_letters(play.conn, [run.key("e[0]/a.compensate")])
    assert run.scopes() == {"e[0]": "FAILED"}
    run.fails("z")
    assert run.state() == "FAILED"


def test_undo_false_leaves_it_to_the_scope_around(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1, undo=False),
        task("z"),
        given={"items": [1]},
    )
    run.done("e[0]/a")
    run.fails("e[0]/b")
    assert run.due() == ["z"]
    run.fails("z")
    assert run.due() == ["e[0]/a.compensate"]
    run.done("e[0]/a.compensate")
    assert run.state() == "COMPENSATED"


# guarantee: undo-side-by-side
def test_items_are_undone_as_many_at_a_time_as_they_ran(play: Play) -> None:
    steps = [task("a", undo=True), task("b", undo=True)]
    run = Blocks(
        play,
        each("e", ITEMS, *steps, max_parallel=2),
        task("z"),
        given={"items": [1, 2, 3, 4, 5]},
    )
    for items in ((0, 1), (2, 3), (4,)):
        for step in "ab":
            run.done(*(f"e[{n}]/{step}" for n in items))
    run.fails("z")
    assert run.due() == ["e[3]/b.compensate", "e[4]/b.compensate"]
    run.done("e[4]/b.compensate")
    run.done("e[4]/a.compensate")
    assert run.due() == ["e[2]/b.compensate", "e[3]/b.compensate"]
    for item in (3, 2, 1, 0):
        run.done(f"e[{item}]/b.compensate")
        run.done(f"e[{item}]/a.compensate")
    assert run.state() == "COMPENSATED"


# guarantee: slot-until-undone
def test_an_item_keeps_its_slot_until_it_is_undone(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1, max_parallel=1),
        given={"items": [1, 2]},
    )
    run.done("e[0]/a")
    run.fails("e[0]/b")
    assert run.due() == ["e[0]/a.compensate"]
    assert run.scopes() == {"e[0]": "COMPENSATING", "e[1]": "WAITING"}
    run.done("e[0]/a.compensate")
    assert run.due() == ["e[1]/a"]


# guarantee: outer-waits-for-inner
def test_an_outer_way_back_waits_for_inner_ones(play: Play) -> None:
    inner = each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1)
    branches = {"x": [task("first", undo=True), inner], "y": [task("win")]}
    run = Blocks(play, {"id": "r", "race": branches}, task("z"), given={"items": [1, 2]})
    run.done("r[0]/first")
    run.done("r[0]/e[0]/a", "r[0]/e[1]/a")
    run.fails("r[0]/e[0]/b")
    run.done("r[1]/win")
    scopes = run.scopes()
    assert (scopes["r[0]"], scopes["r[0]/e[0]"]) == ("CLOSING", "COMPENSATING")
    assert scopes["r[0]/e[1]"] == "CANCELLED"
    assert run.due() == ["r[0]/e[0]/a.compensate", "z"]
    run.done("r[0]/e[0]/a.compensate")
    assert run.due() == ["r[0]/e[1]/a.compensate", "z"]
    run.done("r[0]/e[1]/a.compensate")
    assert run.due() == ["r[0]/first.compensate", "z"]
    run.done("r[0]/first.compensate", "z")
    assert run.state() == "SUCCEEDED"


def test_nested_blocks_are_undone_in_the_reverse_of_their_order(play: Play) -> None:
    inner = {"id": "g", "parallel": {"l": [task("b", undo=True)], "r": [task("c", undo=True)]}}
    outer = each("e", ITEMS, task("a", undo=True), inner, task("d", undo=True), max_parallel=1)
    run = Blocks(play, outer, task("z"), given={"items": [1, 2]})
    for item in (0, 1):
        run.done(f"e[{item}]/a")
        run.done(f"e[{item}]/g[0]/b", f"e[{item}]/g[1]/c")
        run.done(f"e[{item}]/d")
    run.fails("z")
    for item in (1, 0):
        assert run.due() == [f"e[{item}]/d.compensate"]
        run.done(f"e[{item}]/d.compensate")
        assert run.due() == [f"e[{item}]/g[0]/b.compensate", f"e[{item}]/g[1]/c.compensate"]
        run.done(*run.due())
        run.done(f"e[{item}]/a.compensate")
    assert run.state() == "COMPENSATED"


# guarantee: dead-compensation-holds
def test_a_compensation_that_fails_holds_the_way_back_of_its_own_scope_alone(play: Play) -> None:
    steps = [task("a", undo=True), task("b", undo=True), task("c")]
    run = Blocks(play, each("e", ITEMS, *steps, tolerate=2), given={"items": [1, 2]})
    run.done("e[0]/a", "e[1]/a")
    run.done("e[0]/b", "e[1]/b")
    run.fails("e[0]/c", "e[1]/c")
    run.fails("e[0]/b.compensate")
    assert play.instance(run.id, "suspended_by") == ("dead_letter",)
    assert run.due() == ["e[1]/b.compensate"]
    run.done("e[1]/b.compensate")
    run.done("e[1]/a.compensate")
    assert run.scopes() == {"e[0]": "COMPENSATING", "e[1]": "FAILED"}
    calls.redrive_dead_letters(play.conn, [run.key("e[0]/b.compensate")], [None])
    run.done("e[0]/b.compensate")
    run.done("e[0]/a.compensate")
    assert run.state() == "SUCCEEDED"


# guarantee: undo-false-block
def test_undo_false_of_a_block_that_continues_leaves_it_to_the_instance(play: Play) -> None:
    steps = [task("a", undo=True), task("b")]
    group = {"id": "g", "steps": steps, "on_failure": "continue", "undo": False}
    run = Blocks(play, group, task("z"))
    run.done("g[0]/a")
    run.fails("g[0]/b")
    assert run.due() == ["z"]
    run.fails("z")
    run.done("g[0]/a.compensate")
    assert run.state() == "COMPENSATED"


# guarantee: undo-false-loser
def test_undo_false_of_a_race_leaves_its_losers_to_the_instance(play: Play) -> None:
    branches = {"x": [task("win")], "y": [task("b", undo=True), task("c")]}
    run = Blocks(play, {"id": "r", "race": branches, "undo": False}, task("z"))
    run.done("r[1]/b")
    run.done("r[0]/win")
    assert run.due() == ["z"]
    run.fails("z")
    run.done("r[1]/b.compensate")
    assert run.state() == "COMPENSATED"
