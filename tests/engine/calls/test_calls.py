"""Each public SQL function has one typed call, with the function's own parameter names."""

import inspect
import re
from collections import Counter
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest

from onceflow.engine import calls, json_text
from onceflow.engine.calls import (
    accounts,
    audit,
    base,
    clock,
    config,
    deferred,
    forms,
    operators,
    outbox,
    tasks,
    triggers,
    waiting,
    workers,
    workflows,
)
from onceflow.engine.calls.tasks import Grant
from onceflow.engine.calls.triggers import intake, schedules, webhooks
from onceflow.engine.errors import OnceflowError

from ...sql.rooms import PUBLIC

NOT_CALLED = {
    "set_clock": "moves the clock of SQL, in tests alone",
    "task_name": "writes a task's key as text, in views",
    "read_grants": "for workers of other languages; ours are told by claims and completions",
    "idempotency_key": "writes the key of a task's effect, in views",
    "scope_place": "writes where a scope lies, in views",
    "scope_places": "writes where scopes lie, in lists of tasks",
    "block_output": "puts the output of a block together, in views",
    "redrive_takes": "says what a dead letter is redriven with, in views",
}


def statements() -> dict[str, list[str]]:
    """Return the statements of all calls by the name of the function in them."""
    found: dict[str, list[str]] = {}
    for module in (
        accounts,
        audit,
        clock,
        config,
        deferred,
        forms,
        intake,
        operators,
        outbox,
        schedules,
        tasks,
        triggers,
        waiting,
        webhooks,
        workers,
        workflows,
    ):
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, str) and "onceflow." in value:
                (function,) = re.findall(r"onceflow\.(\w+)\(", value)
                found.setdefault(function, []).append(value)
    return found


def test_every_public_function_has_exactly_one_statement() -> None:
    called = Counter({name: len(texts) for name, texts in statements().items()})
    assert called == Counter(set(PUBLIC) - NOT_CALLED.keys())


def test_every_public_function_has_a_python_function_of_its_name() -> None:
    for name in set(PUBLIC) - NOT_CALLED.keys():
        assert name in calls.__all__
        assert inspect.isfunction(getattr(calls, name))


def test_statements_name_the_parameters_of_the_catalog(conn: psycopg.Connection[Any]) -> None:
    rows = conn.execute(
        "select p.proname, coalesce(p.proargnames[1:p.pronargs], '{}'), p.pronargdefaults"
        " from pg_proc p where p.pronamespace = 'onceflow'::regnamespace"
    ).fetchall()
    catalog: dict[str, tuple[list[str], int]] = {row[0]: (row[1], row[2]) for row in rows}
    for name, (text,) in statements().items():
        arguments, defaults = catalog[name]
        named = re.findall(r"(\w+) => %s", text)
        assert named == arguments[: len(named)], name
        # What a call leaves out has a default.
        assert len(arguments) - len(named) <= defaults, name


def test_python_parameters_come_in_the_order_of_sql() -> None:
    for name, (text,) in statements().items():
        named = [word.removeprefix("p_") for word in re.findall(r"(\w+) => %s", text)]
        python = list(inspect.signature(getattr(calls, name)).parameters)[1:]
        same = [word for word in named if word in python]
        assert same == [word for word in python if word in named], name


def test_an_unknown_answer_is_refused() -> None:
    with pytest.raises(OnceflowError, match="newer than this process"):
        base.word("frozen", "accepted", "stale")


def test_numbers_keep_their_digits(conn: psycopg.Connection[Any]) -> None:
    text = json_text.encode({"total": Decimal("1265793.0395"), "scale": Decimal("1.50"), "n": 3})
    (kept,) = conn.execute("select %s::jsonb::text", (text,)).fetchone() or ("",)
    assert json_text.decode_exact(kept) == {
        "total": Decimal("1265793.0395"),
        "scale": Decimal("1.50"),
        "n": 3,
    }
    assert str(json_text.decode_exact(kept)["scale"]) == "1.50"
    assert json_text.decode(kept)["total"] == 1265793.0395
    assert msgspec.json.decode(kept, type=dict[str, Decimal])["scale"].as_tuple().exponent == -2


def test_json_text_at_hand_is_passed_as_it_is() -> None:
    assert json_text.encode(b'{"a": 1.10}') == '{"a": 1.10}'
    assert json_text.encode(msgspec.Raw(b"[1.10]")) == "[1.10]"


def test_a_grant_gives_plain_values_and_the_exact_text() -> None:
    grant = Grant(
        uuid4(), "pay", uuid4(), "pay", "default", '{"sum": 9.90}', 1, None, "k", "w", 1, False
    )
    assert grant.input == {"sum": 9.9}
    assert msgspec.json.decode(grant.input_json, type=dict[str, Decimal]) == {
        "sum": Decimal("9.90")
    }
