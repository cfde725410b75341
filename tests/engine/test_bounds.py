"""The bounds of settings and names are those that the tables take and the docs tell."""

import re
from pathlib import Path

import pytest

from onceflow.engine.definition.steps.work import NAME, QUEUE
from onceflow.engine.errors import SettingsError
from onceflow.engine.settings import load_settings

from ..sql.play import Connection

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def check_of(conn: Connection, table: str, column: str) -> str:
    """Return the check of a column."""
    row = conn.execute(
        "select pg_get_constraintdef(c.oid) from pg_constraint c join pg_attribute a"
        " on a.attrelid = c.conrelid and c.conkey = array[a.attnum]"
        " where c.conrelid = %s::regclass and a.attname = %s and c.contype = 'c'",
        (f"onceflow.{table}", column),
    ).fetchone()
    assert row is not None
    return row[0]


def seconds_of(conn: Connection, check: str) -> tuple[float, float]:
    """Return the intervals that a check names."""
    first, last = re.findall(r"'([^']+)'::interval", check)
    text = (
        "select extract(epoch from %s::interval)::float8, extract(epoch from %s::interval)::float8"
    )
    row = conn.execute(text, (first, last)).fetchone()
    assert row is not None
    return row


def told(name: str) -> tuple[float, float]:
    """Return the bounds that the docs tell of a setting."""
    (row,) = [line for line in OPERATIONS.read_text().splitlines() if f"| `{name}` |" in line]
    found = re.search(r", ([\d.]+) to (\d+)", row)
    assert found is not None
    return float(found[1]), float(found[2])


def takes(name: str, value: float) -> bool:
    text = str(int(value)) if value == int(value) else str(value)
    try:
        load_settings({name: text})
    except SettingsError:
        return False
    return True


def test_the_lease_has_the_bounds_of_the_table(conn: Connection) -> None:
    bounds = seconds_of(conn, check_of(conn, "worker", "lease"))
    assert bounds == told("ONCEFLOW_LEASE")
    assert [takes("ONCEFLOW_LEASE", bound) for bound in bounds] == [True, True]
    beyond = bounds[0] / 2, bounds[1] + 1
    assert [takes("ONCEFLOW_LEASE", bound) for bound in beyond] == [False, False]


@pytest.mark.parametrize("name", ["ONCEFLOW_PARTITIONS"])
def test_a_number_has_the_bounds_that_the_docs_tell(name: str) -> None:
    least, most = told(name)
    assert [takes(name, each) for each in (least - 1, least, most, most + 1)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("table", "pattern"), [("workflow", NAME), ("queue", QUEUE)])
def test_names_have_the_form_that_the_tables_take(
    conn: Connection, table: str, pattern: str
) -> None:
    (checked,) = re.findall(r"~ '([^']+)'", check_of(conn, table, "name"))
    assert checked == pattern
