"""record_audit: who it says that did something, and from where; what it cuts, and sums up."""

from collections.abc import Callable

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Actor, acting
from onceflow.engine.errors import BadArgument

from ...play import Connection, Play, execute
from ...workflows import Step, workflow

WHO = "select who, login, actor, address from onceflow.audit where verb = 'pause_queues'"


def pause(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    calls.pause_queues(play.conn, ["default"])


def test_without_a_claim_it_was_the_login(play: Play) -> None:
    pause(play)
    who, login, actor, _ = play.row(WHO)
    assert (who, actor) == (login, None)
    assert login == play.value("select session_user::text")


def test_who_is_connected_is_told_by_postgres_where_nobody_claims_an_address(play: Play) -> None:
    pause(play)
    assert play.row(WHO)[3] == play.value("select host(inet_client_addr())")


# guarantee: audit-login
def test_a_claim_stands_beside_the_login_and_never_in_its_place(play: Play) -> None:
    with acting(lambda: Actor("person ann", "192.0.2.7")):
        pause(play)
    login = play.value("select session_user::text")
    assert play.row(WHO) == ("person ann", login, "person ann", "192.0.2.7")


def test_a_claim_is_one_of_its_transaction_alone(play: Play) -> None:
    with acting(lambda: Actor("person ann")):
        pause(play)
    calls.resume_queues(play.conn, ["default"])
    rows = play.rows("select actor from onceflow.audit where kind = 'queue' order by id")
    assert rows == [("person ann",), (None,)]


def test_what_fails_in_the_name_of_somebody_leaves_the_connection_as_it_was(play: Play) -> None:
    with acting(lambda: Actor("person ann")):
        with pytest.raises(BadArgument, match="a name is a letter"):
            calls.set_config_values(play.conn, {"a b": 1})
        pause(play)
    assert play.row(WHO)[0] == "person ann"


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        ("a\nb\x1b[31mc\tf", "a b [31mc f"),
        ("\u202eevil\u200b", "evil"),
        ("  \r\n ", None),
        ("łó🎉", "łó🎉"),
        ("x" * 5000, "x" * 200),
        ("nul\0 and \udc80", "nul  and ?"),
    ],
)
def test_a_claim_is_short_and_safe_to_show(play: Play, claimed: str, kept: str | None) -> None:
    with acting(lambda: Actor(claimed, claimed)):
        pause(play)
    _, _, actor, address = play.row(WHO)
    assert actor == kept
    if kept is not None:
        assert address == kept[:100]


def test_who_is_named_by_a_call_is_the_actor_unless_one_is_claimed(play: Play) -> None:
    calls.set_config_values(play.conn, {"A": 1}, "ann")
    with acting(lambda: Actor("key ci")):
        calls.set_config_values(play.conn, {"A": 2}, "ann")
    rows = play.rows("select actor from onceflow.audit where kind = 'config' order by id")
    assert rows == [("ann",), ("key ci",)]


def test_a_thousand_have_a_row_each_and_more_are_one(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    inputs: list[dict[str, int]] = [{}] * 2001
    ids = sorted(each.instance_id for each in calls.start_instances(play.conn, "flow", inputs))
    calls.suspend_instances(play.conn, ids[:1000])
    calls.suspend_instances(play.conn, ids[1000:])
    rows = play.rows(
        "select target, count, after from onceflow.audit where kind = 'instance' order by id"
    )
    assert [(target, count) for target, count, _ in rows] == [
        *((str(each), 1) for each in ids[:1000]),
        (str(ids[1000]), 1001),
    ]
    assert rows[-1][2] == {"first": [str(each) for each in ids[1000:1100]]}


def test_what_is_large_is_left_out(play: Play) -> None:
    play.value(
        "select onceflow.record_audit('v', 'k', array[repeat('t', 600)], array[repeat('p', 600)],"
        " array[to_jsonb(repeat('b', 3000))], array[to_jsonb(repeat('a', 1000))])"
    )
    target, part, before, after = play.row(
        "select target, part, before, after from onceflow.audit where verb = 'v'"
    )
    assert (len(target), len(part), before, len(after)) == (500, 500, None, 1000)


def test_in_somebodys_name_a_call_is_one_transaction(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    ours = "select pg_current_xact_id()::text"
    before = int(play.value(ours))
    with acting(lambda: Actor("person ann")):
        calls.pause_queues(play.conn, ["default"])
    ((row,),) = play.rows("select xmin::text from onceflow.audit_entry where verb = 'pause_queues'")
    ((queue,),) = play.rows("select xmin::text from onceflow.queue where name = 'default'")
    assert before < int(row) == int(queue)


def test_nobody_reads_the_table_and_clients_not_the_view(
    play: Play, open_conn: Callable[[], Connection]
) -> None:
    execute(play.conn, "create role onceflow_reader")
    try:
        calls.grant_access(play.conn, "onceflow_reader", "client")
        conn = open_conn()
        execute(conn, "set role onceflow_reader")
        for statement in (
            "select * from onceflow.audit",
            "select * from onceflow.audit_entry",
            "delete from onceflow.audit_entry",
            "select onceflow.record_audit('v', 'k', '{t}')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                execute(conn, statement)
    finally:
        execute(play.conn, "drop owned by onceflow_reader")
        execute(play.conn, "drop role onceflow_reader")
