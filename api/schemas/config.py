"""Types of the configuration of the deployment, and of what workflows need of it."""

from typing import Annotated, Literal

import msgspec

from .words import Json, JsonOrNull, Limit, Time

By = Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="In whose name.")]


class ConfigValue(msgspec.Struct, frozen=True):
    """A value of the configuration: what `$config.NAME` gives in definitions."""

    name: str
    value: Json
    version: Annotated[int, msgspec.Meta(description="How often it was set or unset.")]
    set_at: Time
    set_by: str


class ConfigVersion(msgspec.Struct, frozen=True):
    """What a value of the configuration was set to at some time."""

    name: str
    version: int
    value: JsonOrNull
    unset: Annotated[bool, msgspec.Meta(description="Whether it was taken away then.")]
    set_at: Time
    set_by: str


class ConfigList(msgspec.Struct, frozen=True):
    """All values of the configuration, by name."""

    items: list[ConfigValue]


class ConfigHistory(msgspec.Struct, frozen=True):
    """The versions of a value, the latest first."""

    items: list[ConfigVersion]


class ConfigHistoryQuery(msgspec.Struct, frozen=True):
    """How much of a history."""

    limit: Limit = 50


class SetConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value to set: any JSON of at most 64 KiB."""

    value: Json
    by: By | None = None


class UnsetConfigQuery(msgspec.Struct, frozen=True):
    """Who takes a value away."""

    by: By | None = None


class Need(msgspec.Struct, frozen=True):
    """What steps of a version need of the deployment."""

    kind: Literal["config", "secret"]
    name: str
    steps: list[str]
    is_there: Annotated[
        bool | None,
        msgspec.Meta(description="null of a secret: no live worker tells whether it has it."),
    ]
    lacking: Annotated[
        list[str], msgspec.Meta(description="Workers that run such steps and have it not.")
    ]


class NeedList(msgspec.Struct, frozen=True):
    """All that a version needs of the deployment."""

    items: list[Need]
