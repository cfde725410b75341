"""The SQL core, shipped as package data: migrations, functions and views by room, and roles."""

from pathlib import Path

FOLDER = Path(__file__).parent


def functions(folder: Path = FOLDER) -> list[Path]:
    """Return the file of every function, by name: the rooms are for readers, Postgres has none."""
    files = folder.rglob("*.sql")
    others = {folder, folder / "migrations"}
    rooms = [p for p in files if not _is_view(p) and p.parent not in others]
    return sorted(rooms, key=lambda path: path.name)


def views(folder: Path = FOLDER) -> list[Path]:
    """Return the file of every view, by name."""
    return sorted(filter(_is_view, folder.rglob("*.sql")), key=lambda path: path.name)


def _is_view(path: Path) -> bool:
    """Tell whether a file stands in a room of views, or in a room within one."""
    return "views" in (path.parent.name, path.parent.parent.name)
