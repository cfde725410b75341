"""How blocks, and tasks in their scopes, come into each of the states of the table."""

from collections.abc import Callable
from uuid import UUID

from onceflow.engine.definition import compile_definition

from ..play import Play, pass_time
from .subject import DEADLINE, RETRY, Subject


def _fan(play: Play, **more: object) -> UUID:
    """An item of two, 0, has done its a; b is next. A failed item is tolerated, then undone."""
    a = {"id": "a", "task": "work", "compensate": {"task": "undo", "retry": RETRY}}
    b = {"id": "b", "task": "work", "retry": RETRY, "timeout": 60, **more}
    fan = {"id": "fan", "for_each": [0, 1], "tolerate": 1, "max_parallel": 1, "steps": [a, b]}
    document = {"name": "flow", "deadline": DEADLINE, "steps": [fan]}
    instance = play.begin(compile_definition(document))
    play.complete(instance, "a/1")
    return instance


def block(play: Play) -> Subject:
    return Subject(_fan(play), "fan")


def block_dead_letter(play: Play) -> Subject:
    """Its expression gives no array."""
    fan = {"id": "fan", "for_each": "$.input.none", "steps": [{"id": "b", "task": "work"}]}
    steps = [fan | {"on_failure": "suspend"}]
    return Subject(play.begin(compile_definition({"name": "flow", "steps": steps})), "fan")


def block_timed_out(play: Play) -> Subject:
    group = {"id": "group", "steps": [{"id": "b", "task": "work"}], "timeout": 60}
    steps = [group | {"on_failure": "suspend"}]
    instance = play.begin(compile_definition({"name": "flow", "steps": steps}))
    pass_time(play.conn, "2 min")
    play.tick()
    return Subject(instance, "group")


def in_scope_running(play: Play) -> Subject:
    instance = _fan(play)
    play.take(instance, "b/1")
    return Subject(instance, "b/1")


def in_scope_dead_letter(play: Play) -> Subject:
    instance = _fan(play, on_failure="suspend")
    play.fail(instance, "b/1")
    return Subject(instance, "b/1")


def loser(play: Play) -> Subject:
    """It runs, while the other branch has won the race."""
    branches = {one: [{"id": one, "task": "work"}] for one in ("x", "y")}
    steps = [{"id": "race", "race": branches}, {"id": "after", "task": "work"}]
    instance = play.begin(compile_definition({"name": "flow", "steps": steps}))
    play.take(instance, "y/2")
    play.complete(instance, "x/1")
    return Subject(instance, "y/2")


def in_scope_undo_queued(play: Play) -> Subject:
    instance = _fan(play)
    play.fail(instance, "b/1")
    return Subject(instance, "a.compensate/1")


def in_scope_undo_dead_letter(play: Play) -> Subject:
    subject = in_scope_undo_queued(play)
    play.fail(subject.instance, str(subject.task))
    return subject


BLOCKS: dict[str, Callable[[Play], Subject]] = {
    "WAITING, a block / RUNNING": block,
    "DEAD_LETTER, of a block / RUNNING, dead letter": block_dead_letter,
    "DEAD_LETTER, a block's timeout / RUNNING, dead letter": block_timed_out,
    "RUNNING, of an item / RUNNING": in_scope_running,
    "DEAD_LETTER, of an item / RUNNING, dead letter": in_scope_dead_letter,
    "RUNNING, of a loser / RUNNING": loser,
    "QUEUED, undoing an item / RUNNING": in_scope_undo_queued,
    "DEAD_LETTER, undoing an item / RUNNING, dead letter": in_scope_undo_dead_letter,
}
