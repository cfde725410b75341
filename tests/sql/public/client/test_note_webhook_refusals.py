"""note_webhook_refusals"""

import pytest

from onceflow.engine import calls

from ...play import Connection, Play
from ...sessions import Sessions
from .test_receive_webhook import deploy, failures


def test_of_each_webhook_the_last_fifty_kinds_of_failures_are_kept(play: Play) -> None:
    deploy(play)
    for n in range(60):
        calls.note_webhook_refusals(play.conn, "flow", "push", "signature", f"m{n}", 10**12)
    kept = play.rows("select message, times from onceflow.trigger_failures order by id")
    assert kept == [(f"m{n}", 1_000_000_000) for n in range(10, 60)]


def test_failures_noted_at_once_are_counted_together(play: Play, sessions: Sessions) -> None:
    deploy(play)
    one, other = sessions(), sessions()

    def note(conn: Connection) -> bool:
        return calls.note_webhook_refusals(conn, "flow", "push", "signature", "wrong", 2)

    assert one.begin(note)
    waiting = other.call_blocked(note)
    one.commit()
    assert waiting.result(30)
    assert failures(play) == [("signature", 4, None)]


@pytest.mark.parametrize("text", ["", "x" * 5000, "\\ ł"])
def test_what_is_noted_is_bounded(play: Play, text: str) -> None:
    deploy(play)
    calls.note_webhook_refusals(play.conn, "flow", "push", text, text, -1)
    (row,) = play.rows("select code, message, times from onceflow.trigger_failures")
    assert row == (text[:100], text[:1000], 1)
