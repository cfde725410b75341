"""The rooms stay small, and each says what is in it."""

import re
import subprocess

import pytest

from . import reference
from .readmes import ROOT, folders, readme, what_for

PRODUCT = ("api", "client", "engine", "examples", "relay", "sql", "worker")
MOST_LINES, MOST_FILES, MOST_SQL = 400, 25, 100

FILES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-z", *PRODUCT], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    if name and (ROOT / name).is_file()
]


def test_no_python_file_of_the_product_is_long() -> None:
    python = [path for path in FILES if path.suffix == ".py"]
    assert len(python) > 100
    long = {path: len(path.read_text().splitlines()) for path in python}
    assert {str(path): n for path, n in long.items() if n > MOST_LINES} == {}


def test_no_folder_of_the_product_is_full() -> None:
    count: dict[str, int] = {}
    for path in FILES:
        folder = str(path.parent.relative_to(ROOT))
        count[folder] = count.get(folder, 0) + 1
    assert {folder: n for folder, n in count.items() if n > MOST_FILES} == {}


def test_no_sql_function_is_long() -> None:
    bodies = {
        path.name: path.read_text()[at.start() :].count("\n")
        for path in FILES
        if path.suffix == ".sql"
        and (at := re.search(r"^create or replace function", path.read_text(), re.MULTILINE))
    }
    assert len(bodies) > 90
    assert {name: n for name, n in bodies.items() if n > MOST_SQL} == {}


@pytest.mark.parametrize("folder", sorted(folders()))
def test_a_folder_with_many_files_says_what_is_where(folder: str) -> None:
    names = folders()[folder]
    path = ROOT / folder / "README.md"
    assert path.exists(), "run python -m tests.structure.readmes"
    assert path.read_text() == readme(folder, names), "run python -m tests.structure.readmes"


@pytest.mark.parametrize("folder", sorted(folders()))
def test_each_of_many_files_says_what_it_is_for(folder: str) -> None:
    told = {"py", "sql", "md", "html"}
    silent = [
        name
        for name in folders()[folder]
        if name.rpartition(".")[2] in told and not what_for(ROOT / folder / name)
    ]
    assert silent == []


def test_the_reference_of_definitions_is_what_the_schema_says() -> None:
    assert reference.PAGE.read_text() == reference.page(), "run python -m tests.structure.reference"
