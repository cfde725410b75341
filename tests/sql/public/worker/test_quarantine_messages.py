"""quarantine_messages"""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import BadMessage
from onceflow.engine.errors import BadArgument

from ...play import Play


def test_messages_are_kept_as_they_came_with_the_reason(play: Play) -> None:
    messages = [
        BadMessage("t", 3, 17, b"\x00\xff", "no JSON"),
        BadMessage("t", 3, 18, None, "empty"),
    ]
    assert calls.quarantine_messages(play.conn, messages) == 2
    rows = play.rows(
        'select source, topic, partition, "offset", payload, reason from onceflow.quarantined'
        " order by id"
    )
    assert rows == [
        ("message", "t", 3, 17, b"\x00\xff", "no JSON"),
        ("message", "t", 3, 18, None, "empty"),
    ]


def test_a_message_that_came_before_is_kept_once(play: Play) -> None:
    message = BadMessage("t", 0, 1, b"x", "first")
    assert calls.quarantine_messages(play.conn, [message, message]) == 1
    again = BadMessage("t", 0, 1, b"x", "again")
    assert calls.quarantine_messages(play.conn, [again, BadMessage("t", 1, 1, b"x", "other")]) == 1
    assert play.value("select count(*) from onceflow.quarantined") == 2


def test_another_content_at_the_same_place_is_another_message(play: Play) -> None:
    """A broker that has lost its data counts its offsets anew."""
    for payload in (b"x", b"y", b"x"):
        calls.quarantine_messages(play.conn, [BadMessage("t", 0, 1, payload, "bad")])
    assert play.rows("select payload from onceflow.quarantined order by 1") == [(b"x",), (b"y",)]


def test_of_a_very_large_message_the_beginning_is_kept(play: Play) -> None:
    calls.quarantine_messages(play.conn, [BadMessage("t", 0, 1, b"x" * 100_000, "large")])
    assert play.value("select length(payload) from onceflow.quarantined") == 65_536


def test_no_messages_are_none(play: Play) -> None:
    assert calls.quarantine_messages(play.conn, []) == 0


@pytest.mark.parametrize(
    "short", ["p_topics", "p_partitions", "p_offsets", "p_payloads", "p_reasons"]
)
def test_arrays_that_differ_in_length_are_refused(play: Play, short: str) -> None:
    arrays = {
        "p_topics": "array['t', 't']",
        "p_partitions": "array[1, 2]",
        "p_offsets": "array[1, 2]::bigint[]",
        "p_payloads": "array['x', null]::bytea[]",
        "p_reasons": "array['r', 'r']",
    }
    arrays[short] = "(" + arrays[short] + ")[1:1]"
    arguments = ", ".join(f"{name} => {text}" for name, text in arrays.items())
    with pytest.raises(BadArgument):
        calls.base.fetch(play.conn, f"select onceflow.quarantine_messages({arguments})")  # pyright: ignore[reportArgumentType]
    assert play.value("select count(*) from onceflow.quarantined") == 0
