"""docs/security.md: every line names a test that exists, and nothing is said without one."""

import re

import pytest

from ..mutants import ROOT
from .test_guarantees import names_of

PAGE = ROOT / "docs" / "security.md"
HEADER = "| what is attacked | what is done about it | test |"
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and line != HEADER
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_line_names_a_test_that_exists(row: list[str]) -> None:
    assert len(row) == 3, row
    named = re.findall(r"`(tests/[^`]+?)::([^`]+)`", row[2])
    assert named, f"no test of: {row[0]}"
    for path, name in named:
        assert name.partition("[")[0] in names_of(ROOT / path), f"{path}::{name}"


def test_no_attack_is_told_twice() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS)
