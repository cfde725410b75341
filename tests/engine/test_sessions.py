"""Calls on connections that we open: by one cursor after another, which knows nothing outdated."""

import threading
from typing import LiteralString

import pytest

from onceflow.engine.pool import connect
from onceflow.engine.sessions import FEW, SHORT, Connection, rows_of
from onceflow.engine.settings import Settings

from ..servers import Database


@pytest.fixture
def conn(database: Database) -> Connection:
    return connect(Settings(dsn=database.dsn), "test", own_session=True)


def test_rows_come_as_tuples_whatever_was_asked_before(conn: Connection) -> None:
    with conn:
        for _ in range(7):  # what is sent often is prepared
            assert rows_of(conn, "select %s::int, %s::text", (1, "a")) == [(1, "a")]
            assert rows_of(conn, "select generate_series(1, 3)") == [(1,), (2,), (3,)]
            assert rows_of(conn, "select %(a)s::jsonb", {"a": "[1]"}) == [([1],)]
            assert rows_of(conn, "select 1 where false") == []


# guarantee: cursor-of-others
def test_what_others_have_set_in_a_session_is_known(conn: Connection) -> None:
    conn.prepare_threshold = None  # as where handlers have it
    with conn:
        assert rows_of(conn, "select length(%s::text)", ("é",)) == [(1,)]
        conn.execute("set client_encoding to latin1")
        assert rows_of(conn, "select length(%s::text)", ("é",)) == [(1,)]


def test_a_call_that_fails_leaves_nothing_to_the_next(conn: Connection) -> None:
    with conn:
        assert rows_of(conn, "select 1") == [(1,)]
        with pytest.raises(Exception, match="division by zero"):
            rows_of(conn, "select 1 / %s::int", (0,))
        assert rows_of(conn, "select 2") == [(2,)]


LONG = "x" * (SHORT + 1)


# guarantee: cursor-large
@pytest.mark.parametrize(
    ("statement", "parameters", "kept"),
    [
        ("select generate_series(1, %s)", (FEW,), True),
        ("select %s::text", (LONG[1:],), True),
        ("select generate_series(1, %s)", (FEW + 1,), False),
        ("select length(%s::text)", (LONG,), False),
        ("select repeat('x', %s)", (SHORT + 1,), False),
        ("select cardinality(%s::text[])", ([LONG],), False),
        ("select length(%s::bytea)", (LONG.encode(),), False),
        ("select %s::jsonb", (f'["{LONG}"]',), False),
    ],
)
def test_large_answers_and_questions_are_not_kept_until_the_next_call(
    conn: Connection, statement: LiteralString, parameters: tuple[object, ...], kept: bool
) -> None:
    with conn:
        for _ in range(2):
            rows_of(conn, statement, parameters)
            assert ("_last" in vars(conn)) == kept


def test_a_connection_that_is_closed_holds_nothing_that_holds_it(conn: Connection) -> None:
    rows_of(conn, "select 1")
    conn.close()
    assert "_last" not in vars(conn)


def test_two_threads_that_call_at_once_have_their_own_answers(conn: Connection) -> None:
    answers: dict[int, set[tuple[int]]] = {}

    def ask(number: int) -> None:
        answers[number] = {rows_of(conn, "select %s::int", (number,))[0] for _ in range(300)}

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    with conn:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {number: {(number,)} for number in range(4)}
