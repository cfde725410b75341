"""docs/guarantees.md: every row names what is there, and every mutant has its row.

The test that a row names fails where its mutant is; another that stands behind the same guarantee
says so in the line above it: `# guarantee: <mutant of the row>`.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from ..mutants import FOLDER, ROOT, Mutant, mutants
from ..mutants.__main__ import apply

PAGE = ROOT / "docs" / "guarantees.md"
MUTANTS = {mutant.name: mutant for mutant in mutants()}


@dataclass(frozen=True)
class Row:
    """A row of the page's tables."""

    guarantee: str
    files: tuple[str, ...]
    test: str
    mutant: str


def rows() -> list[Row]:
    """Return the rows of all tables of the page, in their order."""
    found: list[Row] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| ") or line.startswith("| guarantee |"):
            continue
        guarantee, upheld, test, mutant = (cell.strip() for cell in line.strip("| ").split(" | "))
        files = tuple(re.findall(r"\]\(\.\./([^)]+)\)", upheld))
        found.append(Row(guarantee, files, test.strip("`"), mutant.strip("`")))
    return found


@cache
def names_of(path: Path) -> set[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)}


def changed_by(mutant: Mutant) -> set[str]:
    """Return the files that a patch changes."""
    text = mutant.path.read_text(encoding="utf-8")
    return set(re.findall(r"^\+\+\+ b/(\S+)$", text, re.MULTILINE))


def test_every_mutant_has_one_row_and_every_row_a_mutant() -> None:
    named = [row.mutant for row in rows()]
    assert sorted(named) == sorted(MUTANTS)
    assert {path.name for path in FOLDER.iterdir() if path.suffix == ".patch"} == {
        f"{name}.patch" for name in named
    }


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.mutant)
def test_a_row_names_a_test_that_exists_and_the_files_of_its_mutant(row: Row) -> None:
    mutant = MUTANTS[row.mutant]
    assert row.guarantee.lower() == mutant.guard.lower()
    assert row.test == mutant.test
    assert set(row.files) == changed_by(mutant)
    assert [name for name in row.files if not (ROOT / name).is_file()] == []
    path, _, name = row.test.partition("::")
    assert name.partition("[")[0] in names_of(ROOT / path)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_still_applies(name: str) -> None:
    checked = apply(MUTANTS[name], ROOT, "--check")
    assert checked.returncode == 0, checked.stderr


def test_a_marker_above_a_test_names_a_row() -> None:
    marker = re.compile(r"^# (?:guarantee|rule): *(.*)$", re.MULTILINE)
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / "tests").rglob("*.py")
        for name in marker.findall(path.read_text(encoding="utf-8"))
    }
    assert found
    assert sorted(marked for marked in found if marked[1] not in MUTANTS) == []
