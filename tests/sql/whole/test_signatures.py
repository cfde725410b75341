"""The interface as it was released: it grows, and what is there never changes.

signatures.txt names every public function with its parameters and result, and every view with its
columns. Old callers, and statements that they have prepared, break where one of these changes: a
change is a new function under a new name, and a view only gets columns at its end. Once a release
has had a line, it stays as it is (a view's may grow); what is new is added by

    python -m tests.sql.whole.test_signatures DSN >> tests/sql/whole/signatures.txt
"""

import sys
from pathlib import Path
from typing import Any

import psycopg

import onceflow.sql

from ..rooms import PUBLIC

KNOWN = Path(__file__).with_name("signatures.txt")


def functions(conn: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Return the signatures of every public function; two of one name confuse old callers."""
    rows = conn.execute(
        "select p.proname, format('%s(%s) -> %s', p.proname, pg_get_function_arguments(p.oid),"
        " pg_get_function_result(p.oid)) from pg_proc p"
        " where p.pronamespace = 'onceflow'::regnamespace order by 1, 2"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for name, signature in rows:
        if name in PUBLIC:
            found.setdefault(name, []).append(signature)
    return found


def views(conn: psycopg.Connection[Any]) -> dict[str, str]:
    """Return every view with its columns, in their order."""
    rows = conn.execute(
        "select c.relname, format('%s: %s', c.relname, string_agg("
        " a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum))"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0"
        " where c.relnamespace = 'onceflow'::regnamespace and c.relkind = 'v'"
        " group by c.relname order by 1"
    )
    return dict(rows.fetchall())


def known() -> list[str]:
    """Return the lines of the interface as it was released."""
    return KNOWN.read_text(encoding="utf-8").splitlines()


def test_no_function_has_changed(conn: psycopg.Connection[Any]) -> None:
    found = functions(conn)
    assert [signatures for signatures in found.values() if len(signatures) > 1] == []
    now = {signatures[0] for signatures in found.values()}
    released = {line for line in known() if " -> " in line}
    assert released - now == set(), "these were released and have changed"
    assert now - released == set(), "these are new: add them"


def test_views_have_only_got_columns_at_their_end(conn: psycopg.Connection[Any]) -> None:
    found = views(conn)
    released = {line.partition(":")[0]: line for line in known() if " -> " not in line}
    assert found.keys() == released.keys()
    changed = [name for name, line in released.items() if not found[name].startswith(line)]
    assert changed == [], "these were released and have changed"


def test_no_call_takes_whatever_columns_there_are() -> None:
    files = onceflow.sql.views()
    assert files
    assert [p.name for p in files if "select *" in p.read_text(encoding="utf-8").lower()] == []


def main(dsn: str) -> None:
    """Print what signatures.txt lacks."""
    with psycopg.connect(dsn) as conn:
        lines = [s for signatures in functions(conn).values() for s in signatures]
        lines += views(conn).values()
    have = set(known()) if KNOWN.exists() else set[str]()
    print("\n".join(line for line in lines if line not in have))


if __name__ == "__main__":
    main(sys.argv[1])
