"""The configuration of the deployment, and what workflows need of it."""

from typing import Final, LiteralString

from ...engine import calls
from ...engine.calls import config
from ..database import Connection, Database, rows
from ..problems import not_found
from ..schemas.config import ConfigHistory, ConfigList, ConfigValue, ConfigVersion, Need

VALUE: Final[LiteralString] = "name, value, version, set_at, set_by"
VERSION: Final[LiteralString] = "name, version, value, unset, set_at, set_by"


def list_config(database: Database) -> ConfigList:
    """Return all values: as many as definitions name, so few."""
    with database.connection() as conn:
        return ConfigList(rows(conn, ConfigValue, *config.list_config(VALUE)))


def read_config(conn: Connection, name: str) -> ConfigValue:
    """Return one value. Raises Problem 404."""
    found = rows(conn, ConfigValue, *config.list_config(VALUE, name))
    if not found:
        raise not_found(f"value {name} in the configuration")
    return found[0]


def read_history(conn: Connection, name: str, limit: int) -> ConfigHistory:
    """Return the versions of a value, the latest first. Raises Problem 404."""
    found = rows(conn, ConfigVersion, *config.list_config_history(VERSION, name, limit))
    if not found:
        raise not_found(f"value {name} in the configuration, and never was one")
    return ConfigHistory(found)


def read_needs(conn: Connection, workflow: str, version: int) -> list[Need]:
    """Return what a version of a workflow needs of the deployment."""
    return [
        Need(need.kind, need.name, need.steps, need.is_there, need.lacking)
        for need in calls.read_needs(conn, workflow, version)
    ]
