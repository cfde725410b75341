"""Errors of SQL become ours, once, with all they say; those of others pass as they are."""

import json
from typing import Any

import psycopg
import pytest

from onceflow.engine.errors import (
    BY_SQLSTATE,
    DefinitionError,
    Fault,
    OnceflowError,
    translated,
)


def raise_in_sql(conn: psycopg.Connection[Any], sqlstate: str, detail: str = "") -> None:
    statement = (
        "do $do$ begin raise exception 'it is so' using errcode = %s, detail = %s,"
        " hint = 'do otherwise'; end $do$"
    )
    with psycopg.ClientCursor(conn) as cursor:
        cursor.execute(statement, (sqlstate, detail))


@pytest.mark.parametrize("sqlstate", sorted(BY_SQLSTATE))
def test_each_sqlstate_has_its_exception(conn: psycopg.Connection[Any], sqlstate: str) -> None:
    with pytest.raises(OnceflowError) as caught, translated():
        raise_in_sql(conn, sqlstate, "in this place")
    error = caught.value
    assert type(error) is BY_SQLSTATE[sqlstate]
    assert (error.message, error.detail, error.hint) == (
        "it is so",
        "in this place",
        "do otherwise",
    )
    assert str(error) == "it is so (do otherwise)"


def test_faults_of_a_definition_are_listed(conn: psycopg.Connection[Any]) -> None:
    faults = [{"place": "steps[1].needs", "message": "no step x"}, {"message": "no name"}]
    with pytest.raises(DefinitionError) as caught, translated():
        raise_in_sql(conn, "WF007", json.dumps(faults))
    assert caught.value.faults == [Fault("steps[1].needs", "no step x"), Fault("", "no name")]


def test_others_pass(conn: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), translated():
        conn.execute("select 1 / 0")
