"""What a call waits for, and finds changed, it moves all the same: whatever history there is.

Postgres looks at such a row again by the plan of the statement that waited. PostgreSQL 18 loses it
where partitions are pruned twice, first by a bound and then by a join, and one lies below that.
So does the UPDATE of an answer: it never waits, since nobody else changes a RUNNING row of a locked
instance, and is left out here.
"""

from concurrent.futures import Future

import pytest

from ...support import wait_until
from ..play import Play, execute
from ..sessions import Session, Sessions
from . import situations, state_table
from .state_table import arrow, parse
from .test_state_machine import try_function

CHANGES = {
    # Others are changed by nobody who does not hold their instance.
    "task": "update onceflow.task set changed_at = changed_at where state = 'QUEUED'",
    "instance": "update onceflow.instance set seq = seq",
}
NOT_WAITING = ("clock", "renew_worker", "requeue_lost_tasks")
"""Functions that leave out an instance which another transaction holds, and look again later."""
ANSWERS = ("complete_", "fail_tasks", "fail_deferred", "defer_tasks", "give_back_tasks")


def cells(situation: str, changed: str) -> dict[str, str]:
    """Return what the tables say of a situation, where a function changes something."""
    return {
        name: cell
        for text in state_table.TASK_TABLES.values()
        for name, cell in parse(text)[situation].items()
        if (arrow(cell) or "·" in cell)
        and not name.startswith(ANSWERS if changed == "task" else NOT_WAITING)
    }


def await_lock(session: Session, call: Future[str]) -> None:
    """Wait until a call waits for a lock, or has ended without one."""

    def waits_or_ended() -> bool:
        row = session.observer.execute(
            "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s", (session.pid,)
        ).fetchone()
        return call.done() or bool(row and row[0])

    wait_until(waits_or_ended, "the call to wait or to end")


@pytest.mark.parametrize(
    ("situation", "changed"),
    [
        (situation, changed)
        for situation in situations.TASKS
        for changed in CHANGES
        # Of tasks only those that a claim may be after are changed without their instance's lock.
        if changed == "instance" or situation.startswith("QUEUED")
    ],
)
def test_what_was_changed_while_it_was_awaited_is_moved_all_the_same(
    play: Play, sessions: Sessions, situation: str, changed: str
) -> None:
    subject = situations.TASKS[situation](play)
    changing, waiting = sessions(), sessions()
    waiting.conn.autocommit = True
    other = Play(waiting.conn)
    other.worker.stop()
    other.worker.id = play.worker.id
    found: dict[str, str] = {}
    expected = cells(situation, changed)
    for name in expected:
        changing.begin(lambda conn: execute(conn, CHANGES[changed]))
        call = waiting.call(lambda _, name=name: try_function(other, name, subject))
        await_lock(waiting, call)
        changing.commit()
        found[name] = call.result(30)
    assert found == expected
