"""Types of keys and people, and of what makes and changes them."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from .words import Time

RoleWord: TypeAlias = Literal["viewer", "starter", "operator", "deployer", "admin"]
Password: TypeAlias = Annotated[
    str, msgspec.Meta(description="10 to 500 letters, of which only a hash is kept.")
]


class ApiKey(msgspec.Struct, frozen=True):
    """A key, without what it is."""

    name: str
    role: str
    created_at: Time
    expires_at: Annotated[Time | None, msgspec.Meta(description="Null: never.")]
    last_used_at: Annotated[Time | None, msgspec.Meta(description="To the minute.")]
    revoked_at: Time | None


class ApiKeys(msgspec.Struct, frozen=True):
    """All keys by name, revoked ones too."""

    items: list[ApiKey]


class CreateKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new key."""

    name: str
    role: RoleWord
    days: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=36500)] | None,
        msgspec.Meta(description="After so many it opens nothing more; never if absent."),
    ] = None


class CreatedKey(msgspec.Struct, frozen=True):
    """A new key, which is told this once."""

    name: str
    key: Annotated[str, msgspec.Meta(description="Only its hash is kept.")]


class ChangedAccount(msgspec.Struct, frozen=True):
    """What was done with a key or a person."""

    name: str
    outcome: Literal["done"]


class Person(msgspec.Struct, frozen=True):
    """Who may log in."""

    name: str
    role: str
    has_password: bool
    subject: Annotated[
        str | None, msgspec.Meta(description="Who it is to the provider of identities.")
    ]
    created_at: Time
    disabled_at: Time | None
    sessions: Annotated[int, msgspec.Meta(description="In how many browsers he is logged in.")]


class People(msgspec.Struct, frozen=True):
    """Who may log in, by name; who is disabled too."""

    items: list[Person]


class CreatePerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may log in."""

    name: str
    role: RoleWord
    password: Password


class SetRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody may do from now on."""

    role: RoleWord


class SetPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By what somebody logs in from now on."""

    password: Password
