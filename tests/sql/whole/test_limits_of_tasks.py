"""What the clock does to a task past a limit of its step, in every state: held against the page."""

from collections.abc import Callable
from typing import LiteralString

import pytest

from ..play import Play
from . import situations
from .state_table import parse
from .subject import Subject
from .test_state_machine import PAGE, try_function

STATES = ("WAITING, an answer", "READY", "QUEUED", "RUNNING", "RETRYING", "DEAD_LETTER")
"""In which a task may be open; what waits without a worker, and a block, have no such limits."""


def is_open_task(situation: str) -> bool:
    """Tell whether a situation is of a task that a worker runs, and that has not ended."""
    task = situation.partition(" / ")[0]
    return task.startswith(STATES) and not task.startswith(("READY, to ", "DEAD_LETTER, record"))


def past(limit: LiteralString) -> Callable[[Play, Subject], str]:
    """Return what puts a limit of the task behind, and turns the clock."""

    def turn(play: Play, subject: Subject) -> str:
        statement = f"update onceflow.task set {limit} = onceflow.now() - interval '1 s'"
        play.conn.execute(
            f"{statement} where instance_id = %s and onceflow.task_name(step, scope, visit) = %s"
            " and (step, instance_id) in (select t.step, t.instance_id from onceflow.tasks t where"
            " t.kind in ('task', 'compensation', 'notice'))",
            (subject.instance, subject.task),
        )
        play.tick()
        return ""

    return turn


FUNCTIONS = {
    "clock, past its start_timeout": past("start_by"),
    "clock, past its total_timeout": past("end_by"),
}


def table() -> dict[str, dict[str, str]]:
    section = PAGE.read_text().partition("### By limits of tasks\n")[2].partition("\n#")[0]
    return parse("\n".join(line for line in section.splitlines() if line.startswith("|")))


@pytest.mark.parametrize("situation", [*filter(is_open_task, situations.TASKS)])
def test_the_clock_does_to_a_task_past_a_limit_what_the_table_says(
    play: Play, situation: str
) -> None:
    subject = situations.TASKS[situation](play)
    found = {name: try_function(play, name, subject, FUNCTIONS) for name in FUNCTIONS}
    assert found == table()[situation]


def test_the_page_has_a_row_for_each() -> None:
    assert list(table()) == [*filter(is_open_task, situations.TASKS)]
