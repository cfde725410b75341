"""disable_workflows"""

import uuid

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import Refused
from onceflow.engine.ids import make_ids

from ...play import Play, execute
from ...workflows import sequence


def test_a_start_is_answered_disabled_and_starts_nothing(play: Play) -> None:
    play.deploy(sequence("a"))
    play.deploy(sequence("a", name="other"))
    (decided,) = calls.disable_workflows(play.conn, ["flow"])
    assert (decided.name, decided.outcome) == ("flow", "done")
    (started,) = calls.start_instances(play.conn, "flow", [{}], ["k"])
    assert (started.found, started.outcome, started.state) == (None, "disabled", None)
    assert (started.error or {})["code"] == "disabled"
    with pytest.raises(Refused, match="disabled for new starts since 2"):
        _ = started.instance_id
    assert play.value("select count(*) from onceflow.instances") == 0
    assert play.value("select count(*) from onceflow.idempotency_key") == 0
    play.start("other")


def test_each_item_is_answered_for_itself_and_what_is_there_is_found(play: Play) -> None:
    play.deploy(sequence("a"))
    (own,) = make_ids(1)
    first, second = calls.start_instances(
        play.conn, "flow", [{}, {}], ["k", None], None, [*make_ids(1), own]
    )
    calls.disable_workflows(play.conn, ["flow"])
    answers = calls.start_instances(
        play.conn,
        "flow",
        [{}, {}, {}, 7, {"n": 1}],
        ["k", None, "new", None, "k"],
        None,
        [*make_ids(1), own, *make_ids(3)],
    )
    assert [answer.outcome for answer in answers] == [
        "exists",
        "exists",
        "disabled",
        "invalid",
        "conflict",
    ]
    assert [answers[0].found, answers[1].found] == [first.found, second.found]


def test_what_has_started_goes_on_and_tells_how_starts_are_enabled(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    calls.disable_workflows(play.conn, ["flow"])
    play.complete(instance, "a")
    told = next(
        b for b in calls.explain_instance(play.conn, instance) if "disabled for new" in b.because
    )
    assert told.advice == {"verb": "enable", "args": {"workflow": "flow"}}
    execute(play.conn, str(told.statement))
    play.complete(instance, "b")
    assert play.state(instance) == "SUCCEEDED"
    play.start("flow")


def test_a_new_version_does_not_enable_it(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.disable_workflows(play.conn, ["flow"])
    play.deploy(sequence("a", "b"))
    for version in (None, 1, 2):
        (started,) = calls.start_instances(play.conn, "flow", [{}], version=version)
        assert started.outcome == "disabled"


def test_again_it_stays_as_it_was_and_a_name_that_is_none_is_unknown(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.disable_workflows(play.conn, ["flow"])
    since = play.value("select disabled_at from onceflow.workflows")
    decided = calls.disable_workflows(play.conn, ["nobody", "flow", "flow"])
    assert [(d.name, d.outcome) for d in decided] == [("flow", "done"), ("nobody", "unknown")]
    assert play.value("select disabled_at from onceflow.workflows") == since


def test_ids_of_others_are_no_way_round(play: Play) -> None:
    """An id that belongs to another workflow's instance starts nothing, as ever."""
    other = play.begin(sequence("a", name="other"))
    play.deploy(sequence("a"))
    calls.disable_workflows(play.conn, ["flow"])
    ids: list[uuid.UUID] = [other]
    (answer,) = calls.start_instances(play.conn, "flow", [{}], ids=ids)
    assert answer.outcome == "conflict"
