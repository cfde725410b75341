"""/config: the values that definitions name as $config.NAME."""

from typing import Final

from ...engine import calls
from ...engine.accounts.roles import Role
from ..accounts.visitor import in_the_name_of
from ..operation import Call, Nothing, Operation
from ..problems import not_found
from ..reads import config as reads
from ..schemas.config import (
    ConfigHistory,
    ConfigHistoryQuery,
    ConfigList,
    ConfigValue,
    ConfigVersion,
    SetConfig,
    UnsetConfigQuery,
)


def list_config(call: Call[Nothing, Nothing]) -> ConfigList:
    """List all values."""
    return reads.list_config(call.context.database)


def read_config(call: Call[Nothing, Nothing]) -> ConfigValue:
    """Read a value."""
    with call.context.database.connection() as conn:
        return reads.read_config(conn, call.path["configName"])


def read_history(call: Call[ConfigHistoryQuery, Nothing]) -> ConfigHistory:
    """Read what a value was."""
    with call.context.database.connection() as conn:
        return reads.read_history(conn, call.path["configName"], call.query.limit)


def set_config(call: Call[Nothing, SetConfig]) -> ConfigVersion:
    """Set a value."""
    name = call.path["configName"]
    with call.context.database.connection() as conn:
        calls.set_config_values(conn, {name: call.body.value}, in_the_name_of(call.body.by))
        return reads.read_history(conn, name, 1).items[0]


def unset_config(call: Call[UnsetConfigQuery, Nothing]) -> ConfigVersion:
    """Take a value away."""
    name = call.path["configName"]
    with call.context.database.connection() as conn:
        (unset,) = calls.unset_config_values(conn, [name], in_the_name_of(call.query.by))
        if unset.outcome == "unknown":
            raise not_found(f"value {name} in the configuration")
        return reads.read_history(conn, name, 1).items[0]


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/config",
        name="listConfig",
        role=Role.VIEWER,
        tag="system",
        summary="List the values of the configuration",
        handler=list_config,
        answers={200: ConfigList},
    ),
    Operation(
        method="GET",
        path="/config/{configName}",
        name="readConfig",
        role=Role.VIEWER,
        tag="system",
        summary="Read a value of the configuration",
        handler=read_config,
        answers={200: ConfigValue},
    ),
    Operation(
        method="PUT",
        path="/config/{configName}",
        name="setConfig",
        role=Role.DEPLOYER,
        tag="system",
        summary="Set a value of the configuration",
        description="Steps that come due from now on see it. Setting what it is already makes no "
        "version. It is no place for secrets: whoever reads anything may read it.",
        handler=set_config,
        body=SetConfig,
        answers={200: ConfigVersion},
    ),
    Operation(
        method="DELETE",
        path="/config/{configName}",
        name="unsetConfig",
        role=Role.DEPLOYER,
        tag="system",
        summary="Take a value of the configuration away",
        description="Its history stays.",
        handler=unset_config,
        query=UnsetConfigQuery,
        answers={200: ConfigVersion},
    ),
    Operation(
        method="GET",
        path="/config/{configName}/history",
        name="readConfigHistory",
        role=Role.VIEWER,
        tag="system",
        summary="Read what a value of the configuration was, and who set it when",
        handler=read_history,
        query=ConfigHistoryQuery,
        answers={200: ConfigHistory},
    ),
]
