"""Calls on connections that we open: by one cursor after another, which knows nothing outdated."""

import threading

import pytest

from onceflow.engine.pool import connect
from onceflow.engine.sessions import FEW, Connection, rows_of
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


# guarantee: cursor-large
def test_large_answers_are_not_kept_until_the_next_call(conn: Connection) -> None:
    with conn:
        assert len(rows_of(conn, "select generate_series(1, %s)", (FEW + 1,))) == FEW + 1
        assert "_last" not in vars(conn)
        assert len(rows_of(conn, "select generate_series(1, %s)", (FEW,))) == FEW
        assert "_last" in vars(conn)


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
