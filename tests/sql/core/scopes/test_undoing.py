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
