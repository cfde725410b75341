"""release_forms: who has claimed a form gives it back."""

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...core.forms.support import answer, asking
from ...core.waiting.support import begin
from ...play import Play


def test_who_has_claimed_it_gives_it_back_and_nobody_else_does(play: Play) -> None:
    instance = begin(play, asking())
    key = [Key(instance, "ask")]
    assert calls.release_forms(play.conn, key, "ada")[0].detail == "nobody has taken it"
    calls.claim_forms(play.conn, key, "ada")
    (other,) = calls.release_forms(play.conn, key, "bob")
    assert (other.outcome, other.detail.split(",")[0]) == ("refused", "ada has taken it")
    assert calls.release_forms(play.conn, key, "ada")[0].outcome == "done"
    assert answer(play, instance, by="bob").outcome == "accepted"
