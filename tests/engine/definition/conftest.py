"""Fixtures for the compiler's tests: a Postgres that evaluates what it compiles."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import hypothesis
import psycopg
import pytest

from onceflow.engine import json_text
from onceflow.engine.errors import translated
from onceflow.engine.json_text import Json

from ...servers import Servers, create_database, drop_database
from .expressions import compile_text

# How long an example takes depends on the machine's load, and is not what these tests are about.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

Evaluate = Callable[..., Json]


@pytest.fixture(scope="package")
def postgres(servers: Servers) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database with our schema; these tests change nothing in it."""
    database = create_database(servers, migrated=True)
    with closing(database.connect()) as conn:
        yield conn
    drop_database(servers, database.name)


@pytest.fixture(scope="package")
def evaluate(postgres: psycopg.Connection[Any]) -> Evaluate:
    """Compile a value and evaluate it: ``evaluate("$.input.a", {"a": 1}) == 1``.

    The second argument is the input; further parts of the context go by name. Numbers that are not
    whole come back as Decimal. Raises ExpressionFailed.
    """

    def run(value: Json, input: Json = None, **context: Json) -> Json:  # noqa: A002
        tree = compile_text(value)
        context = {"input": input, "steps": {}, "instance": {}, **context}
        with translated():
            row = postgres.execute(
                "select onceflow.evaluate(%s::jsonb, %s::jsonb)::text",
                (json_text.encode(tree), json_text.encode(context)),
            ).fetchone()
        assert row is not None
        assert row[0] is not None, "evaluate never gives SQL null"
        return json.loads(row[0], parse_float=Decimal)

    return run
