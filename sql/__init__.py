"""The SQL core, shipped as package data: migrations, functions and views by room, and roles."""

from pathlib import Path

FOLDER = Path(__file__).parent


def functions(folder: Path = FOLDER) -> list[Path]:
    """Return the file of every function, by name: the rooms are for readers, Postgres has none."""
    files = folder.rglob("*.sql")
    others = {folder, folder / "migrations"}
    rooms = [p for p in files if p.parent.name != "views" and p.parent not in others]
    return sorted(rooms, key=lambda path: path.name)


def views(folder: Path = FOLDER) -> list[Path]:
    """Return the file of every view, by name."""
    return sorted(folder.rglob("views/*.sql"), key=lambda path: path.name)
