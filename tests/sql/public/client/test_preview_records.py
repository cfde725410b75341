"""preview_records: what records would start, and by what it is to be checked"""

from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument
from onceflow.engine.ids import make_hex_ids

from ...play import Play
from ...topics import ORDERS, faults, inputs, open_at, record, started_by_topic, unreadable
from ...workflows import fields, path

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "by": {"type": "string", "pattern": "^k"}},
}


def preview(play: Play, *records: calls.TopicRecord) -> calls.Preview:
    found = calls.preview_records(play.conn, ORDERS, make_hex_ids(len(records)), records)
    assert found is not None
    return found


def test_it_tells_what_each_record_would_start_and_starts_nothing(play: Play) -> None:
    play.deploy(
        started_by_topic(
            when={**path('$."value"."id" > 1'), "b": True},
            input=fields(order=path('$."value"."id"')),
        )
    )
    open_at(play.conn)
    found = preview(play, record(1), record(2), unreadable(3), record(4, {"no": 1}))
    assert found.inputs == [None, '{"order": 2}', None, None]
    assert inputs(play.conn) == []
    assert faults(play.conn) == {}
    assert open_at(play.conn) == {0: 0}


def test_it_gives_the_schema_where_postgres_checks_only_a_part_of_it(play: Play) -> None:
    play.deploy(started_by_topic(input_schema={"type": "object"}))
    assert preview(play, record(0)).schema is None
    assert not calls.list_topic_triggers(play.conn)[0].is_checked
    play.deploy(started_by_topic(input_schema=SCHEMA))
    assert "^k" in (preview(play, record(0)).schema or "")
    assert calls.list_topic_triggers(play.conn)[0].is_checked


def test_what_is_sent_as_an_event_is_no_input(play: Play) -> None:
    play.deploy(started_by_topic(input_schema=SCHEMA, event="paid", key=path('$."value"."id"')))
    assert preview(play, record(0)).schema is None
    assert not calls.list_topic_triggers(play.conn)[0].is_checked


def test_of_no_trigger_it_tells_nothing(play: Play) -> None:
    nobody = ORDERS._replace(trigger="nobody")
    assert calls.preview_records(play.conn, nobody, make_hex_ids(1), [record(0)]) is None
    play.deploy(started_by_topic())
    with pytest.raises(BadArgument, match="differ in length"):
        calls.preview_records(play.conn, ORDERS, make_hex_ids(2), [record(0)])
