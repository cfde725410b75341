"""docs/architecture.md names files, folders and SQL functions: they are there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
TEXT = PAGE.read_text(encoding="utf-8")
FUNCTIONS = {path.stem for path in (ROOT / "sql").rglob("*.sql")}
NO_FUNCTION = {"with", "output"}
"""Keys of a definition, which stand in backticks as well."""
ROOMS = {link.name for link in (ROOT / "src" / "onceflow").iterdir() if link.is_symlink()} | {
    "bench"
}


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT)
    assert len(links) > 30
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


def test_every_file_is_called_by_the_end_of_its_path() -> None:
    links = re.findall(r"\[([\w/.-]+\.\w+)\]\(([^)#]+)", TEXT)
    wrong = [(name, link) for name, link in links if not f"/{link}".endswith(f"/{name}")]
    assert wrong == []


def test_every_folder_and_function_is_there() -> None:
    names = re.findall(r"`([^`\n]+)`", TEXT)
    folders = [name for name in names if name.endswith("/")]
    inside = {"public/": "sql", "core/": "sql"}
    assert [n for n in folders if not (ROOT / inside.get(n, "") / n).is_dir()] == []
    words = {name for name in names if re.fullmatch(r"[a-z_]+", name)}
    assert words - FUNCTIONS == NO_FUNCTION
    files = [name for name in names if re.fullmatch(r"[\w/]+\.(py|sql|md|toml)", name)]
    assert [name for name in files if not any(ROOT.glob(f"**/{name}"))] == []


def test_every_room_is_in_the_table_with_what_it_may_import() -> None:
    table = dict(re.findall(r"^\| `(\w+)/` \|.*\| ([^|]+) \|$", TEXT, re.MULTILINE))
    assert table.keys() == ROOMS
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    apart = next(c for c in contracts["contracts"] if c["type"] == "independence")
    for module in apart["modules"]:
        assert table[module.removeprefix("onceflow.")] == "`engine/`"
