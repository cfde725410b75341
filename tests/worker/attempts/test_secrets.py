"""Secrets that a definition names: given to its handler, and to be found nowhere else."""

import base64
import json
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from onceflow.engine.calls import explain_instance, redrive_dead_letters
from onceflow.engine.calls.base import Key
from onceflow.engine.logs import set_up_logging
from onceflow.worker import Context, Later, PermanentError, Registry, Retry

from ...servers import Servers
from ...support import wait_until
from ..support import Stack, deploy, make_stack, start, wait_for_ends, wait_for_task, worker

pytestmark = pytest.mark.only("postgres", reason="how tasks come to the worker does not matter")

TOKEN = 'sk_l1ve "quoted"/+ö\nsecond line'
WORD = "password"
PIN = "4711"

HANDLERS = Registry()
SEEN: dict[str, Any] = {}


@HANDLERS.task("keeps")
def keeps(auth: str, ctx: Context, data: Any = None) -> str:
    """Keep what it is given, for the test alone."""
    SEEN[ctx.key] = {"auth": auth, "data": data}
    return "kept"


@HANDLERS.task("keeps_async")
async def keeps_async(auth: str, ctx: Context) -> str:
    SEEN[ctx.key] = {"auth": auth}
    return "kept"


@HANDLERS.task("keeps_transactional", transactional=True)
def keeps_transactional(auth: str, ctx: Context) -> list[str]:
    SEEN[ctx.key] = {"auth": auth}
    return ["told", auth]


@HANDLERS.task("returns")
def returns(token: str, word: str, pin: str) -> Any:
    return {
        "plain": token,
        token: [1.50, f"Bearer {token}"],
        "json": json.dumps({"t": token}),
        "url": quote(token, safe=""),
        "basic": base64.b64encode(f"user:{token}".encode()).decode(),
        "bytes": token.encode(),
        "word": f"the {word}",
        "pin": int(pin),
        "ids": [47110, "id 147110"],
    }


@HANDLERS.task("raises", retry=Retry(attempts=1))
def raises(token: str, word: str, ctx: Context) -> None:
    ctx.logger.warning("it goes wrong with %s", token)
    ctx.progress({"token": token})
    try:
        raise ValueError(f"no answer to {token!r}")
    except ValueError as error:
        raise PermanentError(
            f"refused: {token} and {base64.b64encode(token.encode()).decode()}, {word}",
            code=f"refused.{quote(token)}",
            detail={"sent": {"authorization": token}, "word": word, "pad": "x" * 3_000},
        ) from error


@HANDLERS.task("cuts", retry=Retry(attempts=1))
def cuts(token: str) -> None:
    raise PermanentError("x" * (1_990) + token + "x" * 5_000)


@HANDLERS.task("later")
def later(token: str, ctx: Context) -> Later:
    SEEN[ctx.key] = token
    return Later(timeout=60)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets")


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str, secrets: Path) -> Iterator[Stack]:
    with make_stack(servers, HANDLERS, transport, concurrency=0) as made:
        variables = {"TOKEN": TOKEN, "WORD": WORD, "PIN": PIN}
        settings = made.settings_with(secrets_dir=secrets, secret_variables=variables)
        with worker(settings, HANDLERS):
            yield made


def one_step(task: str, with_: str) -> str:
    step = f"{{id: only, task: {task}, with: {with_}}}"
    return f"name: {task}\non_failure: suspend\nsteps: [{step}]"


def run(stack: Stack, definition: str, **input_: Any) -> UUID:
    deploy(stack.conn, definition)
    name = definition.split("\n")[0].removeprefix("name: ")
    return start(stack.conn, name, [input_])[0]


def everything(stack: Stack) -> str:
    """Return all that the database keeps of tasks and instances, as text."""
    tables = ("task", "task_log", "instance", "outbox", "quarantine", "worker", "step")
    rows = [
        str(stack.conn.execute(f"select x::text from onceflow.{table} x").fetchall())
        for table in tables
    ]
    return "\n".join(rows)


@pytest.mark.parametrize("task", ["keeps", "keeps_async", "keeps_transactional"])
def test_a_handler_gets_it_and_the_database_never(stack: Stack, task: str) -> None:
    instance = run(stack, one_step(task, '{auth: "Bearer ${ $secrets.TOKEN }!"}'))
    assert wait_for_ends(stack.conn, [instance]) == ["SUCCEEDED"]
    assert SEEN[f"{instance}/only"]["auth"] == f"Bearer {TOKEN}!"
    row = wait_for_task(stack.conn, instance, "only", "SUCCEEDED")
    assert row["input"] == {"auth": None}
    assert "sk_l1ve" not in everything(stack)


def test_the_rest_of_the_input_is_given_to_the_digit(stack: Stack) -> None:
    text = (
        '{auth: "${$secrets.TOKEN}", data: {list: [$.input.n, "${ $secrets.PIN }"], n: $.input.n}}'
    )
    deploy(stack.conn, one_step("keeps", text))
    instance = stack.conn.execute(
        "select instance_id from onceflow.start_instances('keeps', array[%s::jsonb])",
        ('{"n": 12345678901234567890.123456789}',),
    ).fetchall()[0][0]
    wait_for_ends(stack.conn, [instance])
    seen = SEEN[f"{instance}/only"]["data"]
    assert str(seen["n"]) == "12345678901234567890.123456789"
    assert seen["list"] == [seen["n"], PIN]


def test_no_input_asks_for_a_secret(stack: Stack) -> None:
    asking = "${ $secrets.TOKEN }"
    definition = one_step("keeps", '{auth: "${$secrets.PIN}", data: $.input.data}')
    given = {"a": asking, "secrets": [{"at": ["data"], "parts": [{"secret": "TOKEN"}]}]}
    instance = run(stack, definition, data=given)
    wait_for_ends(stack.conn, [instance])
    assert SEEN[f"{instance}/only"] == {"auth": PIN, "data": given}


def test_what_a_handler_returns_is_stored_masked_and_says_so(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    text = '{token: "${$secrets.TOKEN}", word: "${$secrets.WORD}", pin: "${$secrets.PIN}"}'
    instance = run(stack, one_step("returns", text))
    output = wait_for_task(stack.conn, instance, "only", "SUCCEEDED")["output"]
    mask = "[$secrets.TOKEN]"
    assert output == {
        "plain": mask,
        mask: [1.5, f"Bearer {mask}"],
        "json": json.dumps({"t": mask}),
        "url": mask,
        "basic": output["basic"],
        "bytes": mask,
        "word": "the [$secrets.WORD]",
        "pin": "[$secrets.PIN]",
        "ids": [47110, "id 147110"],
    }
    assert output["basic"].endswith(mask)
    assert len(output["basic"]) < len(mask) + 8
    assert f"{instance}/only: its answer held the secret PIN, TOKEN, WORD" in caplog.text


def test_what_a_handler_raises_reports_and_logs_is_masked(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, root = StringIO(), logging.getLogger()
    handlers = list(root.handlers)
    monkeypatch.setattr("sys.stderr", told)
    set_up_logging("debug")
    try:
        instance = run(
            stack, one_step("raises", '{token: "${$secrets.TOKEN}", word: "${$secrets.WORD}"}')
        )
        error = wait_for_task(stack.conn, instance, "only", "DEAD_LETTER")["error"]
        wait_until(lambda: "attempt 1 failed" in told.getvalue(), "the line of the log")
    finally:
        root.handlers[:] = handlers
    assert error["code"] == "refused.[$secrets.TOKEN]"
    assert error["message"].startswith("refused: [$secrets.TOKEN] and [$secrets.TOKEN]")
    assert error["message"].endswith(", [$secrets.WORD]")
    assert error["detail"]["word"] == "[$secrets.WORD]"
    assert error["cause"][0]["message"] == "no answer to '[$secrets.TOKEN]'"
    for place in (everything(stack), told.getvalue()):
        for part in ("sk_l1ve", "second line", quote("sk_l1ve "), "c2tfbDF2"):
            assert part not in place


def test_a_secret_is_not_cut_where_a_message_is(stack: Stack) -> None:
    instance = run(stack, one_step("cuts", '{token: "${$secrets.TOKEN}"}'))
    message = wait_for_task(stack.conn, instance, "only", "DEAD_LETTER")["error"]["message"]
    assert "characters left out" in message
    assert "sk_l" not in message


def test_a_redrive_may_put_a_value_in_its_stead(stack: Stack) -> None:
    instance = run(stack, one_step("keeps", '{auth: "${$secrets.TOKEN}", data: 1, more: 2}'))
    key = Key(instance, "only")
    wait_for_task(stack.conn, instance, "only", "DEAD_LETTER")
    redrive_dead_letters(stack.conn, [key], [{"auth": "of an operator", "data": 3}])
    wait_for_ends(stack.conn, [instance])
    assert SEEN[f"{instance}/only"] == {"auth": "of an operator", "data": 3}

    again = run(stack, one_step("keeps", '{auth: "${$secrets.TOKEN}", data: 1, more: 2}'))
    wait_for_task(stack.conn, again, "only", "DEAD_LETTER")
    redrive_dead_letters(stack.conn, [Key(again, "only")], [{"data": None}])
    wait_for_ends(stack.conn, [again])
    assert SEEN[f"{again}/only"] == {"auth": TOKEN, "data": None}


def test_a_compensation_is_given_its_own_and_sees_none_of_its_step(stack: Stack) -> None:
    definition = """
        name: undone
        steps:
          - id: a
            task: keeps
            with: {auth: "${ $secrets.TOKEN }"}
            compensate:
              task: keeps
              with: {auth: "${ $secrets.PIN }", data: $.task_input}
          - {id: b, task: cuts, with: {token: "${ $secrets.TOKEN }"}}
    """
    deploy(stack.conn, definition)
    (instance,) = start(stack.conn, "undone", [{}])
    assert wait_for_ends(stack.conn, [instance]) == ["COMPENSATED"]
    assert SEEN[f"{instance}/a.compensate"] == {"auth": PIN, "data": {"auth": None}}


def test_one_that_is_missing_holds_its_task_uncounted_until_it_is_there(
    stack: Stack, secrets: Path
) -> None:
    definition = one_step("keeps", '{auth: "${$secrets.NEW} and ${$secrets.NEWER}"}')
    instance = run(stack, definition.replace("suspend", "compensate"))
    row = wait_for_task(stack.conn, instance, "only", "READY")
    message = row["error"]["message"]
    assert (
        "there is no secret NEW: put a file NEW into the worker's ONCEFLOW_SECRETS_DIR" in message
    )
    assert "there is no secret NEWER" in message
    because = [one.because for one in explain_instance(stack.conn, instance)]
    assert any("held back since" in one and message in one for one in because)
    missing = stack.conn.execute(
        "select secret, queue, waiting from onceflow.missing_secrets order by secret"
    ).fetchall()
    assert missing == [("NEW", "default", 1), ("NEWER", "default", 1)]
    (secrets / "NEW").write_text("first-secret\n")
    (secrets / "NEWER").write_text("second-secret\n")
    assert wait_for_ends(stack.conn, [instance], 60) == ["SUCCEEDED"]
    assert SEEN[f"{instance}/only"]["auth"] == "first-secret and second-secret"
    row = wait_for_task(stack.conn, instance, "only", "SUCCEEDED")
    assert row["error"] is None
    stack.conn.execute("select onceflow.check_instances()")


def test_one_that_is_too_short_is_given_and_told_of(
    stack: Stack, secrets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (secrets / "TINY").write_text("a")
    instance = run(stack, one_step("keeps", '{auth: "${$secrets.TINY}", data: "banana"}'))
    wait_for_ends(stack.conn, [instance])
    assert SEEN[f"{instance}/only"] == {"auth": "a", "data": "banana"}
    assert "the secret TINY is too short to be masked" in caplog.text


def test_an_attempt_that_is_answered_later_has_had_its_secret(stack: Stack) -> None:
    instance = run(stack, one_step("later", '{token: "${$secrets.TOKEN}"}'))
    wait_for_task(stack.conn, instance, "only", "WAITING")
    assert SEEN[f"{instance}/only"] == TOKEN


def test_workers_tell_the_names_of_their_secrets(stack: Stack) -> None:
    def told() -> list[str]:
        rows = stack.conn.execute("select stats -> 'secrets' from onceflow.workers").fetchall()
        return (rows[0][0] or []) if rows else []

    assert {"PIN", "TOKEN", "WORD"} <= set(wait_until(told, "the names of secrets"))
