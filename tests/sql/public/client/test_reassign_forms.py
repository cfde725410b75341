"""reassign_forms: other people are asked, and who did what is kept."""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import BadArgument

from ...core.forms.support import answer, asking, told
from ...core.waiting.support import begin
from ...play import Play


def test_others_are_asked_and_a_claim_ends(play: Play) -> None:
    instance = begin(play, asking())
    key = [Key(instance, "ask")]
    calls.claim_forms(play.conn, key, "ada")
    calls.release_forms(play.conn, key, "ada")
    calls.claim_forms(play.conn, key, "bob")
    assert calls.reassign_forms(play.conn, key, "boss", ["eve", "team"])[0].outcome == "done"
    (form,) = play.rows("select people, claimed_by from onceflow.forms")
    assert form == (["eve", "team"], None)
    assert [(event["event"], event["to"]) for event in told(play)] == [
        ("form.opened", ["managers"]), ("form.reassigned", ["eve", "team"]),
    ]  # fmt: skip
    assert answer(play, instance, by="eve").outcome == "accepted"
    done = play.rows(
        "select what, by from onceflow.form_log where instance_id = %s order by id", instance
    )
    assert done == [
        ("claim", "ada"), ("release", "ada"), ("claim", "bob"), ("reassign", "boss"),
        ("answer", "eve"),
    ]  # fmt: skip
    assert calls.reassign_forms(play.conn, key, "boss", ["x"])[0].outcome == "refused"


@pytest.mark.parametrize("to", [[], [""], ["x" * 256], ["x"] * 101])
def test_to_nobody_it_cannot_be(play: Play, to: list[str]) -> None:
    instance = begin(play, asking())
    with pytest.raises(BadArgument, match="one to 100 people or groups"):
        calls.reassign_forms(play.conn, [Key(instance, "ask")], "boss", to)
