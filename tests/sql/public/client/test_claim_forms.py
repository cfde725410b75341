"""claim_forms: who claims a form alone answers it."""

from uuid import uuid4

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import BadArgument

from ...core.forms.support import answer, asking
from ...core.waiting.support import begin
from ...play import Play


# guarantee: form-claim
def test_who_claims_it_alone_answers(play: Play) -> None:
    instance = begin(play, asking())
    key = [Key(instance, "ask")]
    assert calls.claim_forms(play.conn, key, "ada")[0].outcome == "done"
    assert calls.claim_forms(play.conn, key * 2, "ada")[1].outcome == "done"
    (second,) = calls.claim_forms(play.conn, key, "bob")
    assert (second.outcome, second.detail.split(",")[0]) == ("refused", "ada has taken it")
    assert answer(play, instance, by="bob").outcome == "claimed"
    assert answer(play, instance, by="ada").outcome == "accepted"
    (late,) = calls.claim_forms(play.conn, key, "ada")
    assert (late.outcome, late.detail) == ("refused", "it is not open any more")


def test_what_is_no_form_is_unknown_and_nobody_claims_nothing(play: Play) -> None:
    instance = begin(play, asking())
    keys = [Key(uuid4(), "ask"), Key(instance, "b"), Key(instance, "/")]
    assert {one.outcome for one in calls.claim_forms(play.conn, keys, "ada")} == {"unknown"}
    with pytest.raises(BadArgument, match="nobody is named who is to claim"):
        calls.claim_forms(play.conn, [Key(instance, "ask")], "")
