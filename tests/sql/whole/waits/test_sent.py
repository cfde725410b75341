"""What is sent to what waits, in every state, held against a table and the page that has it."""

from collections.abc import Callable

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import FormAnswer, Key, NamedEvent, Signal

from ...play import Play
from ..state_table import parse
from ..subject import Subject
from ..test_state_machine import PAGE, instance_label, task_label, try_function
from . import SENT, deliver
from .state_table import BY_SENDERS


def signal(play: Play, subject: Subject) -> str:
    (sent,) = calls.send_signals(play.conn, [Signal(subject.instance, "paid")])
    return sent.outcome


def event(play: Play, subject: Subject) -> str:
    """Send an event; it is delivered where somebody waits for one, and nothing else is."""
    (sent,) = calls.send_events(play.conn, [NamedEvent("paid", "36")])
    if play.rows("select from onceflow.wait where kind = 'event'"):
        deliver(play)
    return sent.outcome


def answer(play: Play, subject: Subject) -> str:
    given = FormAnswer(subject.instance, str(subject.task), "approved", "ada")
    return calls.answer_forms(play.conn, [given])[0].outcome


def claim(play: Play, subject: Subject) -> str:
    return calls.claim_forms(play.conn, _key(subject), "ada")[0].outcome


def release(play: Play, subject: Subject) -> str:
    return calls.release_forms(play.conn, _key(subject), "ada")[0].outcome


def reassign(play: Play, subject: Subject) -> str:
    return calls.reassign_forms(play.conn, _key(subject), "ada", ["bob"])[0].outcome


def _key(subject: Subject) -> list[Key]:
    return [Key(subject.instance, str(subject.task))]


def child_succeeds(play: Play, subject: Subject) -> str:
    """Complete what is due of the child, be it undone or not, and let it be heard."""
    grants = play.worker.claim(*_due(play, subject))
    for grant in grants:
        play.worker.complete(grant)
    deliver(play)
    return ""


def child_fails(play: Play, subject: Subject) -> str:
    """Fail what is due of the child for good; what is a dead letter then is discarded."""
    for grant in play.worker.claim(*_due(play, subject)):
        play.worker.fail(grant, retryable=False)
        calls.discard_dead_letters(play.conn, [Key(grant.instance_id, grant.task)])
    deliver(play)
    return ""


def _due(play: Play, subject: Subject) -> list[Key]:
    rows = play.rows(
        "select t.instance_id, t.task from onceflow.tasks t join onceflow.instances i"
        " on i.id = t.instance_id where i.parent_id = %s and t.state = 'QUEUED'",
        subject.instance,
    )
    return [Key(*row) for row in rows]


FUNCTIONS: dict[str, Callable[[Play, Subject], str]] = {
    "send_signals": signal,
    "send_events": event,
    "answer_forms": answer,
    "claim_forms": claim,
    "release_forms": release,
    "reassign_forms": reassign,
    "its child succeeds": child_succeeds,
    "its child fails": child_fails,
}


@pytest.mark.parametrize("situation", SENT)
def test_what_is_sent_does_to_a_task_what_the_table_says(play: Play, situation: str) -> None:
    subject = SENT[situation](play)
    task, _, instance = situation.partition(" / ")
    assert instance_label(play, subject.instance) == instance
    assert task_label(play, subject)[0] in (task, task.partition(",")[0])
    found = {name: try_function(play, name, subject, FUNCTIONS) for name in FUNCTIONS}
    assert found == parse(BY_SENDERS)[situation]


def test_the_page_has_the_table_as_it_is_tested() -> None:
    section = PAGE.read_text().partition("### By senders and people\n")[2].partition("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert parse("\n".join(lines)) == parse(BY_SENDERS)
    assert list(parse(BY_SENDERS)) == list(SENT)
