"""take_records: what a topic's records start is one transaction with where its partitions stand"""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Span
from onceflow.engine.definition import compile_definition
from onceflow.engine.ids import make_hex_ids

from ...play import Play
from ...sessions import Sessions
from ...topics import (
    KEY,
    ORDERS,
    faults,
    inputs,
    not_taken,
    open_at,
    record,
    started_by_topic,
    take,
    taken,
    unreadable,
)
from ...workflows import Tree, fields, path

Conn = psycopg.Connection[Any]


def test_each_record_starts_an_instance_with_its_value_and_the_partition_moves_on(
    play: Play,
) -> None:
    play.deploy(started_by_topic())
    assert open_at(play.conn) == {0: 0}
    assert take(play.conn, 0, [record(0), record(1), record(5)]) == taken(0, 6, started=3)
    assert inputs(play.conn) == [{"id": 0}, {"id": 1}, {"id": 5}]
    assert open_at(play.conn) == {0: 6}
    told = "select distinct trigger from onceflow.instances"
    assert play.conn.execute(told).fetchall() == [("orders",)]


def test_input_key_and_condition_are_expressions_over_the_record(play: Play) -> None:
    play.deploy(
        started_by_topic(
            when={**path('$."value"."id" > 1'), "b": True},
            key=KEY,
            input=fields(
                order=path('$."value"'),
                by=path('$."key"'),
                source=path('$."headers"."source"'),
                at=fields(
                    partition=path("$.partition"),
                    offset=path('$."offset"'),
                    timestamp=path('$."timestamp"'),
                ),
            ),
        )
    )
    open_at(play.conn)
    records = [record(n, key=f"k{n}", headers={"source": "shop"}) for n in range(3)]
    assert take(play.conn, 0, records) == taken(0, 3, started=1, passed=2)
    assert inputs(play.conn) == [
        {
            "order": {"id": 2},
            "by": "k2",
            "source": "shop",
            "at": {"partition": 0, "offset": 2, "timestamp": "2026-01-02T03:04:05.678000Z"},
        }
    ]
    keys = play.conn.execute("select key from onceflow.idempotency_keys").fetchall()
    assert keys == [("orders/2",)]


def test_records_of_one_key_start_one_instance_and_another_input_is_told(play: Play) -> None:
    play.deploy(started_by_topic(key=KEY))
    open_at(play.conn)
    assert take(play.conn, 0, [record(0), record(1, {"id": 0})]) == taken(0, 2, started=1, known=1)
    assert take(play.conn, 2, [record(2, {"id": 0})]) == taken(0, 3, known=1)
    other = record(3, {"id": 0, "more": 1})
    assert take(play.conn, 3, [other]) == taken(0, 4, quarantined=1)
    (reason,) = faults(play.conn).values()
    assert reason.startswith("its key orders/0 has started instance ")
    assert reason.endswith(" with another input")


ASIDE = {"type": "object", "properties": {"id": {"type": "string", "pattern": "^k"}}}
"""A schema of which Postgres checks only a part."""


def test_records_that_were_checked_by_no_version_or_another_are_not_taken(play: Play) -> None:
    play.deploy(started_by_topic(input_schema=ASIDE))
    open_at(play.conn)
    ids, records = make_hex_ids(1), [record(0, {"id": "k"})]

    def take_checked(version: int | None) -> list[calls.TakenRecords]:
        return calls.take_records(play.conn, ORDERS, {0: Span(0, 1)}, ids, records, version)

    before = calls.preview_records(play.conn, ORDERS, ids, records)
    assert before is not None
    with pytest.raises(psycopg.errors.SerializationFailure):
        take_checked(None)
    play.deploy(started_by_topic(input_schema={**ASIDE, "title": "another"}))
    with pytest.raises(psycopg.errors.SerializationFailure):
        take_checked(before.version_id)
    assert inputs(play.conn) == []
    now = calls.preview_records(play.conn, ORDERS, ids, records)
    assert now is not None
    assert take_checked(now.version_id) == [taken(0, 1, started=1)]


SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


def test_what_nothing_can_come_of_goes_to_quarantine_and_the_others_start(play: Play) -> None:
    play.deploy(started_by_topic(key=KEY, input_schema=SCHEMA))
    open_at(play.conn)
    records = [
        record(0),
        unreadable(1),
        record(2, {"id": "two"}),
        record(3, {}),
        record(4, {"id": None}),
        record(5, {"id": "x" * 256}),
        record(6, [1]),
        record(7),
    ]
    assert take(play.conn, 0, records) == taken(0, 8, started=2, quarantined=6)
    assert inputs(play.conn) == [{"id": 0}, {"id": 7}]
    told = faults(play.conn)
    assert told.keys() == {1, 2, 3, 4, 5, 6}
    assert told[1] == "the value is not JSON"
    assert (
        told[2] == "the input does not fit the schema of the workflow: /id must be of type integer"
    )
    assert told[3].startswith('$."value"."id": JSON object does not contain key "id"')
    assert told[4] == "the key is null, and must be a string or a number"
    assert told[5].startswith("the idempotency key has 263 characters")
    place = play.conn.execute(
        "select topic, partition, workflow, trigger, payload, record is null"
        ' from onceflow.quarantined where "offset" = 1'
    ).fetchone()
    assert place == ("orders", 0, "flow", "orders", b"{", False)


def test_a_record_without_a_value_says_what_to_do_about_such(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    take(play.conn, 0, [record(0, None)])
    assert faults(play.conn) == {
        0: "the record has no value; pass such records over by `when`, or give an `input`"
    }


@pytest.mark.parametrize("begin", [0, 2])
def test_a_set_from_where_the_partition_does_not_stand_starts_nothing(
    play: Play, begin: int
) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    take(play.conn, 0, [record(0)])
    assert take(play.conn, begin, [record(begin), record(3)]) == not_taken("moved", 1)
    assert inputs(play.conn) == [{"id": 0}]


def test_of_a_set_that_partition_alone_is_left_which_has_moved(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn, ORDERS, 0, 1)
    take(play.conn, 0, [record(0)])
    records = [record(0), record(0, {"id": "one"}, partition=1)]
    spans = {0: Span(0, 1), 1: Span(0, 1)}
    answers = calls.take_records(play.conn, ORDERS, spans, make_hex_ids(2), records)
    assert answers == [not_taken("moved", 1), taken(1, 1, started=1)]
    assert inputs(play.conn) == [{"id": 0}, {"id": "one"}]


# guarantee: records-unlocked
def test_two_owners_of_a_partition_take_each_record_once(play: Play, sessions: Sessions) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    first, second = sessions(), sessions()
    assert first.begin(lambda conn: take(conn, 0, [record(0), record(1)])).started == 2
    late = second.call_blocked(lambda conn: take(conn, 0, [record(0), record(1), record(2)]))
    first.commit()
    assert late.result() == not_taken("moved", 2)
    assert inputs(play.conn) == [{"id": 0}, {"id": 1}]


def test_what_is_rolled_back_leaves_the_partition_where_it_stood(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    with play.conn.transaction(force_rollback=True):
        take(play.conn, 0, [record(0), unreadable(1)])
    assert open_at(play.conn) == {0: 0}
    assert take(play.conn, 0, [record(0), unreadable(1)]) == taken(0, 2, started=1, quarantined=1)


def test_a_disabled_workflow_a_paused_trigger_and_one_that_is_gone_take_nothing(
    play: Play,
) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    calls.disable_workflows(play.conn, ["flow"])
    assert take(play.conn, 0, [record(0)]) == not_taken("halted", 0)
    assert not calls.list_topic_triggers(play.conn)[0].takes
    calls.enable_workflows(play.conn, ["flow"])
    play.conn.execute("update onceflow.trigger set paused_at = now()")
    assert take(play.conn, 0, [record(0)]) == not_taken("halted", 0)
    play.conn.execute("update onceflow.trigger set paused_at = null")
    assert take(play.conn, 0, [record(0)]) == taken(0, 1, started=1)
    play.deploy({**started_by_topic(), "triggers": [], "definition": {"v": 2}})
    assert take(play.conn, 1, [record(1)]) == not_taken("halted", None)
    assert open_at(play.conn) == {}
    assert calls.list_topic_triggers(play.conn) == []


def test_a_record_that_is_released_from_quarantine_is_taken_once_more_and_once(play: Play) -> None:
    play.deploy(started_by_topic(input_schema=SCHEMA))
    open_at(play.conn)
    take(play.conn, 0, [record(0, {"id": "a"}), record(1, {"id": "b"})])
    rows = play.conn.execute("select id from onceflow.quarantined order by id").fetchall()
    ids = [row[0] for row in rows]
    assert calls.read_released(play.conn, "flow", "orders", 10) == []
    assert calls.release_quarantine(play.conn, 0, ids) == 2
    assert calls.list_topic_triggers(play.conn)[0].released
    play.deploy({**started_by_topic(), "definition": {"v": 2}})
    released = calls.read_released(play.conn, "flow", "orders", 10)
    assert [one.id for one in released] == ids
    again = [
        calls.TopicRecord(one.partition, one.offset, one.text, released=one.id) for one in released
    ]
    for expected in (taken(None, None, started=2), taken(None, None)):
        answers = calls.take_records(play.conn, ORDERS, {}, make_hex_ids(2), again)
        assert answers == [expected]
    assert inputs(play.conn) == [{"id": "a"}, {"id": "b"}]
    assert faults(play.conn) == {}
    assert open_at(play.conn) == {0: 2}


def test_a_record_that_fails_once_more_stays_in_quarantine_with_the_new_reason(play: Play) -> None:
    play.deploy(started_by_topic(input_schema=SCHEMA))
    open_at(play.conn)
    take(play.conn, 0, [unreadable(0)])
    ((row,),) = play.conn.execute("select id from onceflow.quarantined").fetchall()
    calls.release_quarantine(play.conn, 0, [row])
    (one,) = calls.read_released(play.conn, "flow", "orders", 10)
    assert one.payload == b"{"
    again = record(0, {"id": "text"})._replace(released=one.id)
    answers = calls.take_records(play.conn, ORDERS, {}, make_hex_ids(1), [again])
    assert answers == [taken(None, None, quarantined=1)]
    assert "/id must be of type integer" in faults(play.conn)[0]
    assert not calls.list_topic_triggers(play.conn)[0].released


def test_a_slow_expression_fails_its_own_record_once_that_is_known(play: Play) -> None:
    """As the relay does: the call names the record, and is made again with it unevaluated."""
    play.deploy(started_by_topic(key=KEY, input=fields(order=path('$."value"'))))
    open_at(play.conn)
    ids = make_hex_ids(3)
    with play.conn.transaction():
        play.conn.execute("select set_config('onceflow.late', %s, true)", (f"={UUID(ids[1])}",))
        answer = take(play.conn, 0, [record(n) for n in range(3)], ids=ids)
    assert answer == taken(0, 3, started=2, quarantined=1)
    ((offset, reason),) = faults(play.conn).items()
    assert offset == 1
    assert "took too long" in reason


def test_arrays_that_differ_in_length_are_refused(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    with pytest.raises(calls.base.OnceflowError, match="differ in length"):
        calls.take_records(play.conn, ORDERS, {0: Span(0, 2)}, make_hex_ids(2), [record(0)])


PAID = {"name": "pay", "steps": [{"id": "paid", "wait_for": {"event": "paid", "key": "$.input.o"}}]}
"""Waits for an event, keyed by an order."""


ORDER = path('$."value"."o"')


def sending(name: str = "flow", key: Tree = ORDER, **trees: Any) -> Any:
    """Return a workflow by which records are sent as events `paid`, keyed by their order."""
    return started_by_topic(name=name, event="paid", key=key, **trees)


def wait_for_orders(play: Play, *orders: Any) -> list[UUID]:
    """Start an instance for each order that waits until it is paid."""
    play.deploy(compile_definition(PAID))
    started = calls.start_instances(play.conn, "pay", [{"o": order} for order in orders])
    return [one.instance_id for one in started]


def test_a_record_that_is_an_event_is_sent_in_the_transaction_that_moves_on(play: Play) -> None:
    first, second, other = wait_for_orders(play, "7", 7, "8")
    play.deploy(sending())
    open_at(play.conn)
    records = [record(0, {"o": "7", "sum": 1}), record(1, {"o": "none"}), record(2, [])]
    with play.conn.transaction(force_rollback=True):
        assert take(play.conn, 0, records).started == 2
    assert play.rows("select id from onceflow.event") == []
    assert take(play.conn, 0, records) == taken(0, 3, started=2, quarantined=1)
    assert calls.apply_deliveries(play.conn, 10) == 2
    for instance in (first, second):
        assert play.state(instance) == "SUCCEEDED"
        assert play.task(instance, "paid", "output") == ({"o": "7", "sum": 1},)
    assert play.state(other) == "RUNNING"
    # One that begins to wait later takes it too.
    (late,) = wait_for_orders(play, "none")
    assert play.state(late) == "SUCCEEDED"
    assert faults(play.conn)[2].startswith('$."value"."o": ')


def test_payload_key_and_condition_of_an_event_are_expressions(play: Play) -> None:
    (instance,) = wait_for_orders(play, True)
    play.deploy(
        sending(
            when={**path('$."value"."id" > 1'), "b": True},
            key=path('$."value"."ok"'),
            payload=path('$."offset"'),
        )
    )
    open_at(play.conn)
    records = [record(n, {"id": n, "ok": [True, True, True, None, {}][n]}) for n in range(5)]
    answer = take(play.conn, 0, records)
    assert answer == taken(0, 5, started=1, passed=2, quarantined=2)
    calls.apply_deliveries(play.conn, 10)
    assert play.task(instance, "paid", "output") == (2,)
    told = faults(play.conn)
    assert told[3] == "the key is null, and must be a string, a number or a boolean"
    assert told[4] == "the key is an object, and must be a string, a number or a boolean"


def test_a_record_that_two_entries_send_is_one_event(play: Play) -> None:
    play.deploy(sending())
    play.deploy(sending("second"))
    play.deploy(sending("third", payload=path('$."offset"')))
    answers: list[Any] = []
    for name in ("flow", "second", "third"):
        source = ORDERS._replace(workflow=name)
        open_at(play.conn, source)
        answers.append(take(play.conn, 0, [record(0, {"o": "7"})], source))
    assert answers == [taken(0, 1, started=1), taken(0, 1, known=1), taken(0, 1, quarantined=1)]
    assert play.rows("select name, id, key, payload from onceflow.event") == [
        ("paid", "id-1/0/0", "7", {"o": "7"})
    ]
    assert faults(play.conn) == {
        0: "another entry has sent it as an event of this name with another key or payload"
    }


# guarantee: records-unlocked
def test_two_owners_of_a_partition_send_each_record_once(play: Play, sessions: Sessions) -> None:
    (instance,) = wait_for_orders(play, "7")
    play.deploy(sending())
    open_at(play.conn)
    first, second = sessions(), sessions()
    records = [record(0, {"o": "7"}), record(1, {"o": "8"})]
    assert first.begin(lambda conn: take(conn, 0, records)).started == 2
    late = second.call_blocked(lambda conn: take(conn, 0, records))
    first.commit()
    assert late.result() == not_taken("moved", 2)
    assert calls.apply_deliveries(play.conn, 10) == 1
    assert play.state(instance) == "SUCCEEDED"
