"""How blocks and chains, and tasks in their scopes, come into each of the states of the table."""

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


def _repeat(play: Play, **more: object) -> UUID:
    """A repeat whose first round is under way; a comes before it and can be undone."""
    a = {"id": "a", "task": "work", "compensate": {"task": "undo", "retry": RETRY}}
    b = {"id": "b", "task": "work", "retry": RETRY, "timeout": 60}
    until = {"until": "$.round == 1"}
    steps = [a, {"id": "again", "repeat": [b], **until, **more}]
    document = {"name": "flow", "deadline": DEADLINE, "steps": steps}
    instance = play.begin(compile_definition(document))
    play.complete(instance, "a")
    return instance


def repeat(play: Play) -> Subject:
    return Subject(_repeat(play), "again")


def repeat_delayed(play: Play) -> Subject:
    """A round has ended; until the next one nothing of it is open."""
    instance = _repeat(play, delay=60)
    play.complete(instance, "b/1")
    return Subject(instance, "again")


def repeat_unasked(play: Play) -> Subject:
    """Its condition fails: what its step gave has no such member."""
    instance = _repeat(play, until="$.steps.b.output.done", on_failure="suspend")
    play.complete(instance, "b/1")
    return Subject(instance, "again")


def repeat_at_its_limit(play: Play) -> Subject:
    instance = _repeat(play, limit=1, on_failure="suspend")
    play.complete(instance, "b/1")
    return Subject(instance, "again")


def in_round_running(play: Play) -> Subject:
    instance = _repeat(play)
    play.take(instance, "b/1")
    return Subject(instance, "b/1")


def _try(play: Play, **more: object) -> UUID:
    """Of an attempt of two its a is done, and b is next; behind two attempts comes a catch."""
    a = {"id": "a", "task": "work", "compensate": {"task": "undo", "retry": RETRY}}
    b = {"id": "b", "task": "work", "retry": RETRY, "timeout": 60, **more}
    c = {"id": "c", "task": "work", "retry": RETRY, "timeout": 60}
    tried = {
        "id": "tried",
        "try": [a, b],
        "retry": RETRY | {"attempts": 2},
        "catch": [{"steps": [c]}],
    }
    document = {"name": "flow", "deadline": DEADLINE, "steps": [tried]}
    instance = play.begin(compile_definition(document))
    play.complete(instance, "a/1")
    return instance


def attempt_waited_for(play: Play) -> Subject:
    """An attempt has failed and is undone; the next one comes after a wait."""
    instance = _try(play)
    play.fail(instance, "b/1")
    play.complete(instance, "a.compensate/1")
    return Subject(instance, "tried")


def in_attempt_running(play: Play) -> Subject:
    instance = _try(play)
    play.take(instance, "b/1")
    return Subject(instance, "b/1")


def in_attempt_dead_letter(play: Play) -> Subject:
    instance = _try(play, on_failure="suspend")
    play.fail(instance, "b/1")
    return Subject(instance, "b/1")


def in_attempt_undo_queued(play: Play) -> Subject:
    instance = _try(play)
    play.fail(instance, "b/1")
    return Subject(instance, "a.compensate/1")


def in_attempt_undo_dead_letter(play: Play) -> Subject:
    subject = in_attempt_undo_queued(play)
    play.fail(subject.instance, str(subject.task))
    return subject


def in_catch_running(play: Play) -> Subject:
    instance = attempt_waited_for(play).instance
    pass_time(play.conn, "2 min")
    play.tick()
    play.fail(instance, "a/2")
    play.take(instance, "c/3")
    return Subject(instance, "c/3")


BLOCKS: dict[str, Callable[[Play], Subject]] = {
    "WAITING, a block / RUNNING": block,
    "DEAD_LETTER, of a block / RUNNING, dead letter": block_dead_letter,
    "DEAD_LETTER, a block's timeout / RUNNING, dead letter": block_timed_out,
    "RUNNING, of an item / RUNNING": in_scope_running,
    "DEAD_LETTER, of an item / RUNNING, dead letter": in_scope_dead_letter,
    "RUNNING, of a loser / RUNNING": loser,
    "QUEUED, undoing an item / RUNNING": in_scope_undo_queued,
    "DEAD_LETTER, undoing an item / RUNNING, dead letter": in_scope_undo_dead_letter,
    "WAITING, a repeat / RUNNING": repeat,
    "WAITING, a repeat's delay / RUNNING": repeat_delayed,
    "DEAD_LETTER, an until / RUNNING, dead letter": repeat_unasked,
    "DEAD_LETTER, a repeat's limit / RUNNING, dead letter": repeat_at_its_limit,
    "RUNNING, of a round / RUNNING": in_round_running,
    "WAITING, a try's next attempt / RUNNING": attempt_waited_for,
    "RUNNING, of an attempt / RUNNING": in_attempt_running,
    "DEAD_LETTER, of an attempt / RUNNING, dead letter": in_attempt_dead_letter,
    "QUEUED, undoing an attempt / RUNNING": in_attempt_undo_queued,
    "DEAD_LETTER, undoing an attempt / RUNNING, dead letter": in_attempt_undo_dead_letter,
    "RUNNING, of a catch / RUNNING": in_catch_running,
}
