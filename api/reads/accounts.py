"""Keys and people: what both the pages and the API do with them."""

from datetime import UTC, datetime, timedelta

from ...engine import calls
from ...engine.accounts.keys import digest_of, make_key
from ..accounts.visitor import current
from ..database import Database
from ..problems import Problem, not_found


def create_key(database: Database, name: str, role: str, days: int | None) -> str:
    """Make a key and return it: it is never seen again. Raises BadArgument, Refused."""
    until = None if days is None else datetime.now(UTC) + timedelta(days=days)
    key = make_key()
    with database.connection() as conn:
        calls.create_api_key(conn, name, digest_of(key), role, until)
    return key


def revoke_key(database: Database, name: str) -> None:
    """Take a key back for good. Raises Problem 404."""
    with database.connection() as conn:
        if not calls.revoke_api_key(conn, name):
            raise not_found(f"key {name!r}")


def change_person(
    database: Database,
    name: str,
    *,
    role: str | None = None,
    password: str | None = None,
    disabled: bool | None = None,
) -> None:
    """Change what is given of a person; ``password`` is what argon2id made of it.

    Raises BadArgument, Problem 404, and 409 where a person takes away his own role, or himself.
    """
    visitor = current()
    himself = visitor.is_person and visitor.name.lower() == name.lower()
    if himself and (role is not None or disabled):
        raise Problem(409, "Refused: that is you. Another admin does that, so that one is left.")
    with database.connection() as conn:
        if not calls.change_person(conn, name, role, password, disabled):
            raise not_found(f"person {name!r}")
