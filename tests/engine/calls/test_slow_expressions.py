"""How often a call is repeated whose expressions are too slow, and how long each may take."""

from typing import Any

import psycopg
import pytest

from onceflow.engine.calls.base import fetch_value
from onceflow.engine.calls.slow_expressions import ALL, SLOW_AT_MOST, in_time, unevaluated

Conn = psycopg.Connection[Any]

STRIKE = """do $$ begin
    if current_setting('onceflow.late', true) is distinct from '*' then
        raise query_canceled using detail = gen_random_uuid()::text;
    end if;
end $$"""
"""As a call on a set that has another slow instance each time."""


def test_where_many_are_slow_all_are_failed(conn: Conn) -> None:
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        conn.execute(STRIKE)

    in_time(conn, call)
    assert calls == SLOW_AT_MOST + 2


@pytest.mark.parametrize(("halved", "left"), [(0, "5min"), (1, "150s"), (32, "2s"), (40, "2s")])
def test_a_timeout_halved_often_is_the_shortest(conn: Conn, halved: int, left: str) -> None:
    conn.execute("set statement_timeout = '5min'")
    with unevaluated(conn, ALL, halved):
        assert fetch_value(conn, "show statement_timeout", ()) == left
