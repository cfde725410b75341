"""erase_instances"""

import pytest
from psycopg import sql

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Key
from onceflow.engine.definition import compile_definition

from ...play import Play
from ...workflows import Step, fields, path, sequence, workflow

MARK = "xq-secret-7"
STEP = {"id": "a", "task": "work", "with": {"who": "$.item"}}
ROWS = """
    select relname from pg_class
     where relnamespace = 'onceflow'::regnamespace and relkind = 'r'"""


def left(play: Play) -> dict[str, int]:
    """Return the tables that hold the mark, and in how many rows."""
    found: dict[str, int] = {}
    for (table,) in play.rows(ROWS):
        count = sql.SQL("select count(*) from onceflow.{} t where t::text like {}").format(
            sql.Identifier(table), sql.Literal(f"%{MARK}%")
        )
        ((rows,),) = play.conn.execute(count).fetchall()
        if rows:
            found[table] = rows
    return found


def failing(play: Play) -> str:
    """Start a workflow of two steps, each given the mark, of which the second fails for good."""
    return play.deploy(
        workflow(
            Step("a", input=fields(who=path("$.input.who"))),
            Step("b", ("a",), input=fields(who=path("$.steps.a.output.who")), reads=("a",)),
            search=["who"],
        )
    )


def test_nothing_of_a_payload_is_left_in_any_table(play: Play) -> None:
    failing(play)
    (started,) = calls.start_instances(play.conn, "flow", [{"who": MARK}], ["k"])
    instance = started.instance_id
    grant = play.take(instance, "a")
    calls.renew_worker(play.conn, play.worker.id, [grant.fence], 2, {grant.key: MARK}, {})
    play.worker.complete(grant, output={"who": MARK})
    play.fail(instance, "b", message=MARK, detail={"of": MARK}, traceback=[MARK])
    calls.discard_dead_letters(play.conn, [Key(instance, "b")])
    assert play.state(instance) in ("FAILED", "COMPENSATED")
    play.conn.execute("delete from onceflow.outbox")  # a relay ships dead letters
    assert set(left(play)) > {"worker"}
    (erased,) = calls.erase_instances(play.conn, [instance], "anna")
    assert erased.outcome == "done"
    assert left(play) == {}


def test_items_of_blocks_and_why_they_failed_are_erased_too(play: Play) -> None:
    each = {"id": "each", "for_each": "$.input.who", "tolerate": 1, "steps": [STEP]}
    calls.register_workflow(play.conn, compile_definition({"name": "flow", "steps": [each]}))
    instance = play.start("flow", {"who": [MARK, {"name": MARK}]})
    play.fail(instance, "a/1", message=MARK)
    play.complete(instance, "a/2")
    play.conn.execute("delete from onceflow.outbox")
    assert any(table.startswith("scope") for table in left(play))
    calls.erase_instances(play.conn, [instance], "anna")
    assert left(play) == {}
    columns = "state, item, error ->> 'code'"
    scopes = play.rows(f"select {columns} from onceflow.scopes order by scope")
    assert scopes == [("FAILED", None, "test.failed"), ("SUCCEEDED", None, None)]


def test_what_ran_when_and_how_it_ended_stays(play: Play) -> None:
    failing(play)
    instance = play.start("flow", {"who": MARK})
    play.complete(instance, "a", output={"who": MARK})
    play.fail(instance, "b", code="card.refused", message=MARK, type="CardError")
    calls.discard_dead_letters(play.conn, [Key(instance, "b")])
    before = play.states(instance), play.log(instance, "b"), play.instance(instance, "state")
    calls.erase_instances(play.conn, [instance], "anna")
    assert before == (
        play.states(instance),
        play.log(instance, "b"),
        play.instance(instance, "state"),
    )
    (error,) = play.task(instance, "b", "error")
    assert error == {"code": "card.refused", "type": "CardError", "message": "erased"}


def test_who_and_when_is_kept_and_told(play: Play) -> None:
    instance = play.begin(sequence("a"), {"who": MARK})
    play.complete(instance, "a", output=MARK)
    (erased,) = calls.erase_instances(play.conn, [instance], "anna")
    at, by = play.instance(instance, "erased_at", "erased_by")
    assert by == "anna"
    told = play.value("select onceflow.time_text(%s)", at)
    assert erased.detail == f"payloads erased at {told} by anna"
    (because,) = calls.explain_instance(play.conn, instance)
    assert because.because.endswith(f"; {erased.detail}")


def test_again_it_changes_nothing_and_tells_of_the_first_time(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.complete(instance, "a")
    (first,) = calls.erase_instances(play.conn, [instance], "anna")
    (again,) = calls.erase_instances(play.conn, [instance], "bert")
    assert again == first


def test_it_is_the_login_where_nobody_is_named(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.complete(instance, "a")
    calls.erase_instances(play.conn, [instance], " ")
    assert play.instance(instance, "erased_by") == (play.value("select session_user::text"),)


def test_what_has_not_ended_is_refused_and_none_is_unknown(play: Play) -> None:
    running = play.begin(sequence("a"), {"who": MARK})
    ended = play.start("flow")
    play.complete(ended, "a")
    nobody = type(running)(int=running.int ^ 1)
    decided = calls.erase_instances(play.conn, [running, ended, nobody], "anna")
    assert {one.instance_id: one.outcome for one in decided} == {
        running: "refused",
        ended: "done",
        nobody: "unknown",
    }
    (refused,) = [one for one in decided if one.outcome == "refused"]
    assert refused.detail.startswith("it is RUNNING")
    assert refused.detail.endswith("cancel it, or wait")
    assert play.instance(running, "input") == ({"who": MARK},)
    play.complete(running, "a")


@pytest.mark.parametrize("given", [{"who": MARK}, {"who": "another"}])
def test_a_start_repeated_with_its_key_finds_it(play: Play, given: dict[str, str]) -> None:
    play.deploy(sequence("a"))
    (first,) = calls.start_instances(play.conn, "flow", [{"who": MARK}], ["k"])
    play.complete(first.instance_id, "a")
    calls.erase_instances(play.conn, [first.instance_id], "anna")
    for ids in (None, [first.instance_id]):
        (again,) = calls.start_instances(play.conn, "flow", [given], ["k"], None, ids)
        assert (again.found, again.outcome) == (first.found, "exists")
    assert play.value("select count(*) from onceflow.idempotency_keys") == 1


def test_a_start_repeated_with_its_id_finds_it(play: Play) -> None:
    play.deploy(sequence("a"))
    play.deploy(sequence("a", name="other"))
    (first,) = calls.start_instances(play.conn, "flow", [{"who": MARK}])
    play.complete(first.instance_id, "a")
    calls.erase_instances(play.conn, [first.instance_id], "anna")
    ids = [first.instance_id]
    (again,) = calls.start_instances(play.conn, "flow", [{"who": MARK}], ids=ids)
    (other,) = calls.start_instances(play.conn, "other", [{"who": MARK}], ids=ids)
    assert (again.outcome, other.outcome) == ("exists", "conflict")


def test_a_late_answer_to_it_is_stale(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    play.worker.complete(grant)
    calls.erase_instances(play.conn, [instance])
    answered = calls.complete_tasks(
        play.conn, play.worker.id, [Completion(instance, "a", grant.fence, MARK)]
    )
    assert [one.answer for one in answered] == ["repeated"]
    assert left(play) == {}
