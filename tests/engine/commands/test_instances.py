"""``onceflow list, show, watch, cancel, suspend, resume, explain`` on instances of all kinds."""

import argparse
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from uuid import uuid4

import pytest
from psycopg import sql

from onceflow.engine import advice
from onceflow.engine.calls import (
    Completion,
    complete_tasks,
    register_workflow,
    start_instances,
    stop_worker,
)
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.dev.supervisor import onceflow_argv
from onceflow.worker import command as onceflow_worker

from ...api.hand_worker import HandWorker
from ...conftest import Connect
from ...servers import Database
from ...sql.play import switch
from ...support import wait_until
from .conftest import Onceflow


def test_list_shows_the_newest_first_and_pages(
    onceflow: Onceflow, worker: HandWorker, connect: Connect
) -> None:
    inputs = [{"customer": f"C{n}"} for n in range(5)]
    ids = [str(s.instance_id) for s in start_instances(connect(), "order", inputs)]
    assert [row["id"] for row in onceflow("list", "--json").json["items"]] == ids[::-1]
    page = onceflow("list", "--limit", 2)
    assert [line.split()[0] for line in page.out.splitlines()[1:3]] == ids[:2:-1]
    assert f"--before {ids[3]}" in page.out
    rest = onceflow("list", "--before", ids[3], "--json").json["items"]
    assert [row["id"] for row in rest] == ids[2::-1]


def test_list_filters(onceflow: Onceflow, worker: HandWorker, order: str) -> None:
    def found(*filters: str) -> list[str]:
        return [row["id"] for row in onceflow("list", "--json", *filters).json["items"]]

    assert found("--workflow", "order", "--state", "running") == [order]
    assert found("--workflow", "invoice") == []
    assert found("--state", "FAILED", "--state", "CANCELLED") == []
    assert found("--suspended") == []
    onceflow("suspend", order)
    assert found("--suspended") == [order]
    assert "suspended by operator" in onceflow("list").out
    assert onceflow("list", "--state", "ASLEEP").code == 2


def test_show_draws_steps_attempts_and_what_is_to_come(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    lines = onceflow("show", order).out.splitlines()
    assert lines[0].startswith(f"order v1  RUNNING  {order}  started ")
    assert any("reserve  QUEUED  on queue default" in line for line in lines)
    assert any("pay  not due yet" in line for line in lines)

    worker.complete(order, {"reservation": 1})
    grant = worker.claim(order)
    shown = onceflow("show", order).out
    assert "reserve  SUCCEEDED" in shown
    assert "pay  RUNNING  on by-hand for" in shown
    assert grant.attempt == 1


def test_show_draws_dead_letters_and_what_was_undone(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    worker.complete(order, {"reservation": 1})
    worker.fail(order, "card.refused")
    shown = onceflow("show", order).out
    assert "an open dead letter since" in shown
    assert "pay  DEAD_LETTER  open: redrive, skip or discard it" in shown
    assert "attempt 1: card.refused: it broke" in shown

    onceflow("dead-letters", "discard", f"{order}/pay", "--yes")
    worker.complete(order)
    shown = onceflow("show", order).out
    assert "order v1  COMPENSATED" in shown
    assert "pay  DEAD_LETTER  a record only" in shown
    undone = next(line for line in shown.splitlines() if "reserve.compensate" in line)
    assert "SUCCEEDED" in undone


def test_the_error_of_a_dead_letter_is_shown_once(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    worker.complete(order, {"reservation": 1})
    worker.fail(order, "card.refused", message="no credit")
    onceflow("dead-letters", "discard", f"{order}/pay", "--yes")
    shown = onceflow("show", order).out
    assert shown.count("no credit") == 1
    assert "failed by pay: card.refused\n" in shown


FOUR = """
name: four
steps:
  - {id: z, task: shop.pay, needs: []}
  - {id: a, task: shop.pay, needs: [z], compensate: {task: shop.undo}}
  - {id: m, task: shop.pay, needs: []}
  - {id: b, task: shop.pay, needs: [a, m]}
"""


def test_tasks_stand_in_the_order_of_the_definition(
    onceflow: Onceflow, worker: HandWorker, connect: Connect
) -> None:
    conn = connect()
    register_workflow(conn, compile_definition(parse(FOUR, "yaml")))
    (started,) = start_instances(conn, "four", [{}])
    instance = str(started.instance_id)
    grants = {grant.task: grant for grant in worker.claim_all(instance)}
    of = grants["z"]
    complete_tasks(conn, worker.id, [Completion(of.instance_id, "z", of.fence, None)])
    shown = onceflow("show", instance, "--json").json
    assert [task["task"] for task in shown["tasks"]] == ["z", "a", "m"]
    assert shown["not_reached"] == ["b"]
    worker.complete(instance)
    of = grants["m"]
    complete_tasks(conn, worker.id, [Completion(of.instance_id, "m", of.fence, None)])
    onceflow("cancel", instance, "--yes")
    shown = onceflow("show", instance, "--json").json
    assert [task["task"] for task in shown["tasks"]] == ["z", "a", "a.compensate", "m", "b"]
    lines = onceflow("show", instance).out.splitlines()
    drawn = [line.split()[1] for line in lines if "CEEDED" in line or "CANCELLED" in line]
    assert [name for name in drawn if len(name) == 1] == ["z", "a", "m", "b"]


ORIGIN = {
    "message": "no such order",
    "type": "PermanentError",
    "fingerprint": "0123456789abcdef",
    "traceback": ["/app/orders.py:42 in pay: raise PermanentError(…)"],
    "cause": [
        {
            "relation": "context",
            "type": "KeyError",
            "message": "'O-36' \x1b[2J",
            "traceback": ["/app/orders.py:40 in find: return orders[name]"],
        }
    ],
}


def test_show_tells_where_an_error_came_from(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    worker.complete(order, {"reservation": 1})
    worker.fail(order, "order.unknown", **ORIGIN)
    shown = onceflow("show", order).out
    assert "attempt 1: order.unknown: no such order" in shown
    assert "  at /app/orders.py:42 in pay: raise PermanentError(…)" in shown
    assert "while handling KeyError: 'O-36' \\x1b[2J" in shown
    assert "  at /app/orders.py:40 in find: return orders[name]" in shown
    assert "fingerprint 0123456789abcdef" in shown
    (task,) = [t for t in onceflow("show", order, "--json").json["tasks"] if t["task"] == "pay"]
    assert task["error"] == {"code": "order.unknown", **ORIGIN}


@pytest.mark.parametrize("odd", [7, "x", {"a": 1}, [7, None, {"message": 1}, {"traceback": 7}]])
def test_show_takes_errors_of_any_form(
    onceflow: Onceflow, worker: HandWorker, order: str, odd: object
) -> None:
    worker.complete(order, {"reservation": 1})
    worker.fail(order, "order.unknown", traceback=odd, cause=odd, fingerprint=odd)
    assert "order.unknown: it broke" in onceflow("show", order).out


def test_show_as_json_has_tasks_and_log(onceflow: Onceflow, worker: HandWorker, order: str) -> None:
    worker.complete(order, {"reservation": 1})
    shown = onceflow("show", order, "--json").json
    assert shown["status"] == "RUNNING"
    assert {task["task"]: task["state"] for task in shown["tasks"]} == {
        "reserve": "SUCCEEDED",
        "pay": "QUEUED",
    }
    reserve = [entry["state"] for entry in shown["log"] if entry["task"] == "reserve"]
    assert reserve == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert any(entry["worker_id"] == str(worker.id) for entry in shown["log"])


def test_show_log_lists_every_transition(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    worker.complete(order, {})
    out = onceflow("show", order, "--log").out
    assert "reserve  RUNNING  attempt 1  on by-hand" in out
    assert "(instance)  RUNNING" in out


def test_braces_in_data_are_printed_as_they_are(
    onceflow: Onceflow, worker: HandWorker, connect: Connect
) -> None:
    (started,) = start_instances(connect(), "order", [{"customer": "[bold]x[/bold]"}])
    assert "[bold]x[/bold]" in onceflow("show", started.instance_id).out


@pytest.mark.parametrize("command", ["show", "watch", "explain"])
def test_an_instance_that_does_not_exist(onceflow: Onceflow, command: str) -> None:
    nobody = uuid4()
    done = onceflow(command, nobody)
    assert done.code == 1
    assert f"there is no instance {nobody}" in done.err
    assert onceflow(command, "order-1").code == 2


def test_watch_follows_until_the_end(onceflow: Onceflow, worker: HandWorker, order: str) -> None:
    argv = onceflow_argv("watch", order, "--json", "--interval", "0.02")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        first = json.loads(watch.stdout.readline())
        assert first["seq"] == 1
        worker.complete(order, {})
        worker.complete(order, {})
        rest = [json.loads(line) for line in watch.stdout]
        assert watch.wait(30) == 0
    log = onceflow("show", order, "--json").json["log"]
    assert len([first, *rest]) == len(log)
    assert (rest[-1]["task"], rest[-1]["state"]) == (None, "SUCCEEDED")


def test_watch_of_one_that_failed_exits_1(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    worker.fail(order, "shop.closed")
    done = onceflow("watch", order)
    assert done.code == 1
    assert "reserve  DEAD_LETTER  attempt 1" in done.out
    assert "shop.closed: it broke" in done.out


@pytest.mark.usefixtures("onceflow")
def test_watch_on_a_terminal_draws_the_tree(worker: HandWorker, order: str) -> None:
    main_end, terminal = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    argv = onceflow_argv("watch", order, "--interval", "0.02")
    watch = subprocess.Popen(argv, stdout=terminal, env=env)
    os.close(terminal)
    worker.complete(order, {})
    worker.complete(order, {})
    shown = b""

    def read() -> bool:
        nonlocal shown
        try:
            piece = os.read(main_end, 65536)
        except OSError:
            return True  # the other end was closed
        shown += piece
        return not piece

    wait_until(read, "the end of what watch draws")
    os.close(main_end)
    assert watch.wait(30) == 0
    assert b"reserve" in shown
    assert b"SUCCEEDED" in shown


def test_cancel_tells_what_became_of_each(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    nobody = uuid4()
    done = onceflow("cancel", order, nobody, "--yes")
    assert done.code == 1
    assert f"{order}  done" in done.out
    assert f"{nobody}  unknown: there is no such instance" in done.out
    again = onceflow("cancel", order, "--json", "--yes")
    assert again.code == 1
    assert again.json[0]["outcome"] == "refused"
    assert "CANCELLED" in again.json[0]["detail"]


def test_suspend_and_resume(onceflow: Onceflow, worker: HandWorker, order: str) -> None:
    assert onceflow("suspend", order).code == 0
    assert "suspended" in onceflow("explain", order).out
    assert onceflow("resume", order).code == 0
    assert onceflow("show", order, "--json").json["suspended_at"] is None


def test_explain_tells_why(onceflow: Onceflow, worker: HandWorker, order: str) -> None:
    assert "no relay is running; start one: onceflow relay\n" in onceflow("explain", order).out
    reasons = onceflow("explain", order, "--json").json["because"]
    assert [reason["task"] for reason in reasons] == [None, None, "reserve"]
    assert reasons[1]["command"] == "onceflow relay"


def advised(onceflow: Onceflow, instance: str) -> str:
    """Return the first command that is advised and that is not about a relay."""
    commands = re.findall(r": (onceflow .*)", onceflow("explain", instance).out)
    return next(command for command in commands if command != "onceflow relay")


def follow(onceflow: Onceflow, command: str) -> None:
    """Type a printed command."""
    for part in command.split(" && "):
        name, *arguments = shlex.split(part)
        assert name == "onceflow"
        done = onceflow(*arguments)
        assert done.code == 0, done.err


def test_what_explain_says_to_type_works_as_printed(
    onceflow: Onceflow, worker: HandWorker, order: str, connect: Connect
) -> None:
    def state(task: str) -> str:
        tasks = onceflow("show", order, "--json").json["tasks"]
        return next(found["state"] for found in tasks if found["task"] == task)

    onceflow("suspend", order)
    follow(onceflow, advised(onceflow, order))
    assert state("reserve") == "QUEUED"

    worker.complete(order, {"reservation": 1})
    worker.fail(order, "shop.refused")
    follow(onceflow, advised(onceflow, order))
    assert state("pay") == "QUEUED"

    conn = connect()
    stop_worker(conn, worker.id)
    conn.execute("delete from onceflow.outbox")
    switch(conn, "postgres")
    conn.execute("delete from onceflow.outbox")
    follow(onceflow, advised(onceflow, order))
    assert "its message is gone" not in onceflow("explain", order).out

    conn.execute("update onceflow.deployment set transport = 'switching', towards = 'kafka'")
    command = advised(onceflow, order)
    follow(onceflow, command)
    assert command == "onceflow transport kafka"
    assert "waits while the transport" not in onceflow("explain", order).out


def test_the_command_of_a_worker_is_printed_where_its_module_is_known() -> None:
    def printed(task: str) -> str:
        args = {"queue": "a b", "task": task}
        return advice.advised("nobody is there; start one", {"verb": "worker", "args": args})

    name, *arguments = shlex.split(printed("http.request").partition(": ")[2])
    assert [name, arguments.pop(0)] == ["onceflow", "worker"]
    parser = argparse.ArgumentParser()
    onceflow_worker.add_arguments(parser)
    args = parser.parse_args(arguments)
    assert (args.imports, args.queues) == (["onceflow.worker.integrations"], "a b")
    assert printed("shop.pay").endswith("with the --import of its module and --queues 'a b'")


def test_the_built_in_tasks_are_those_that_advice_knows() -> None:
    program = (
        "import onceflow.worker.integrations as _;"
        "from onceflow.worker.handlers.registry import registry; print(*registry.names())"
    )
    names = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(names.stdout.split()) == advice.BUILT_IN


def test_a_database_without_the_schema_says_what_to_do(
    onceflow: Onceflow, empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCEFLOW_DSN", empty_database.dsn)
    done = onceflow("list")
    assert done.code == 1
    assert "run `onceflow migrate`" in done.err


def test_a_role_without_rights_is_told_what_gives_them(
    onceflow: Onceflow, dsn: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"r{uuid4().hex[:8]}"
    conn = connect()
    conn.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
    try:
        options = f"{dsn} options='-c role={role}'"
        monkeypatch.setenv("ONCEFLOW_DSN", options)
        done = onceflow("list")
        assert done.code == 1
        assert "grant_access" in done.err
    finally:
        conn.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.mark.usefixtures("onceflow")
def test_the_head_of_a_long_list_is_enough(worker: HandWorker, connect: Connect) -> None:
    start_instances(connect(), "order", [{"customer": "x"}] * 200)
    listing = " ".join(f"'{word}'" for word in onceflow_argv("list", "--limit", "200"))
    script = f"set -o pipefail; {listing} | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("ID")
    assert "Traceback" not in done.stderr


def test_erase_says_who_and_refuses_what_has_not_ended(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    assert onceflow("erase", order).err.endswith("nothing was changed (give --yes)\n")
    refused = onceflow("erase", order, "--yes")
    assert refused.code == 1
    assert "refused: it is RUNNING" in refused.out
    worker.complete(order, {"reservation": 1})
    worker.complete(order, {"amount": 7})
    assert "ALFKI" in onceflow("show", order).out
    assert onceflow("erase", order, "--by", "anna", "--yes").code == 0
    shown = onceflow("show", order).out
    assert "ALFKI" not in shown
    assert "payloads erased by anna 2" in shown
    assert "; payloads erased at " in onceflow("explain", order).out


def test_list_finds_by_several_states(
    onceflow: Onceflow, worker: HandWorker, order: str, connect: Connect
) -> None:
    inputs = [{"customer": "ALFKI", "total": 13}] * 2
    cancelled, other = (str(one.instance_id) for one in start_instances(connect(), "order", inputs))
    onceflow("cancel", cancelled, "--yes")

    def found(*states: str) -> list[str]:
        given = [part for each in states for part in ("--state", each)]
        return [row["id"] for row in onceflow("list", "--json", *given).json["items"]]

    assert found("RUNNING", "CANCELLED") == sorted((order, cancelled, other), reverse=True)
    assert found("CANCELLED", "FAILED", "CANCELLED") == [cancelled]
    assert found("FAILED", "CLOSING") == []
    limited = onceflow(
        "list", "--state", "RUNNING", "--state", "CANCELLED", "--limit", "2", "--json"
    )
    assert [row["id"] for row in limited.json["items"]] == found("RUNNING", "CANCELLED")[:2]


def test_list_finds_by_fields_of_the_input(
    onceflow: Onceflow, worker: HandWorker, order: str, connect: Connect
) -> None:
    start_instances(connect(), "order", [{"customer": "ALFKI", "total": 13}])

    def found(*looked_for: str) -> list[str]:
        given = [part for each in looked_for for part in ("--input", each)]
        return [row["id"] for row in onceflow("list", "--json", *given).json["items"]]

    assert len(found("customer=ALFKI")) == 2
    assert found("customer=ALFKI", "total=12.0") == [order]
    assert found("$.input.total=12") == [order]
    assert found("customer=a=b") == []
    refused = onceflow("list", "--input", "name=x")
    assert refused.code == 1
    assert (
        "no workflow lists $.input.name under `search`; listed are: customer, total" in refused.err
    )
    assert onceflow("list", "--input", "ALFKI").code == 2


def test_the_beginning_of_an_id_is_enough_where_it_is_that_of_one(
    onceflow: Onceflow, worker: HandWorker, order: str, connect: Connect
) -> None:
    for command in ("show", "explain", "suspend", "resume"):
        for begins in (order[:-1], order[:-2].replace("-", "").upper()):
            done = onceflow(command, begins)
            assert order in done.out or command == "explain", (command, begins)
    nobody = onceflow("show", "ffff")
    assert nobody.code == 1
    assert "there is no instance whose id begins with ffff" in nobody.err
    inputs = [{"customer": f"C{n}"} for n in range(7)]
    ids = [str(s.instance_id) for s in start_instances(connect(), "order", inputs)]
    several = onceflow("cancel", order[:4], "--yes")
    assert several.code == 1
    assert f"several ids begin with {order[:4]}; type more of one:" in several.err
    listed = [line.split()[0] for line in several.err.splitlines()[1:]]
    assert listed == [*ids[:1:-1], "and"]
    assert "order  RUNNING  2" in several.err
    assert onceflow("cancel", ids[0], "--yes").code == 0


@pytest.mark.parametrize("odd", ["", "-", "0198g", "0198 f3", f"{'0' * 33}"])
def test_what_is_not_the_beginning_of_an_id(
    onceflow: Onceflow, worker: HandWorker, odd: str
) -> None:
    done = onceflow("show", odd)
    assert done.code == 2
