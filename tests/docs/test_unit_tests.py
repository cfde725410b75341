"""docs/tasks.md: its unit tests pass against its handlers, as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import psycopg

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"

MORE = """

@task("numbers.crunch")
def crunch(numbers: list[int], ctx: Context) -> int:
    ctx.raise_if_cancelled()
    ctx.progress({"done": len(numbers)})
    return sum(numbers)


@task("customer.look-up")
async def look_up(customer: str) -> dict[str, str]:
    return {"city": "Berlin"}
"""
DSN = """
import pytest


@pytest.fixture
def dsn():
    return {dsn!r}
"""


def blocks() -> tuple[str, str]:
    """Return the handlers with which the page begins, and its unit tests."""
    found = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    (tests,) = [block for block in found if "def test_" in block]
    return found[0], tests


def test_the_unit_tests_of_the_page_pass(dsn: str, tmp_path: Path) -> None:
    handlers, tests = blocks()
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tasks.py").write_text(handlers + MORE)
    (tmp_path / "conftest.py").write_text(DSN.format(dsn=dsn))
    (tmp_path / "test_tasks.py").write_text(tests)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "create table invoice (id int generated always as identity, key text, "
            "customer text, total numeric)"
        )
    argv = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    run = subprocess.run(
        [*argv, "--import-mode", "prepend"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 passed" in run.stdout
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select count(*) from invoice").fetchone() == (0,)
