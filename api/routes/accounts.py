"""/keys and /people: who may call the API and log in, for admins."""

from typing import Any, Final

import msgspec

from ...engine import calls
from ...engine.accounts.passwords import hash_password
from ...engine.accounts.roles import Role
from ..accounts.visitor import require_known
from ..operation import Answer, Call, Nothing, Operation
from ..reads.accounts import change_person, create_key, revoke_key
from ..schemas.accounts import (
    ApiKey,
    ApiKeys,
    ChangedAccount,
    CreatedKey,
    CreateKey,
    CreatePerson,
    People,
    Person,
    SetPassword,
    SetRole,
)

NEVER_KEPT: Final = {"Cache-Control": "no-store"}


def list_keys(call: Call[Nothing, Nothing]) -> ApiKeys:
    """List keys."""
    with call.context.database.connection() as conn:
        found = calls.list_api_keys(conn)
    return ApiKeys([ApiKey(**msgspec.structs.asdict(key)) for key in found])


def make_key(call: Call[Nothing, CreateKey]) -> Answer:
    """Make a key."""
    require_known()
    wanted = call.body
    key = create_key(call.context.database, wanted.name, wanted.role, wanted.days)
    return Answer(201, CreatedKey(wanted.name, key), NEVER_KEPT)


def take_back(call: Call[Nothing, Nothing]) -> ChangedAccount:
    """Revoke a key."""
    require_known()
    revoke_key(call.context.database, call.path["account"])
    return ChangedAccount(call.path["account"], "done")


def list_people(call: Call[Nothing, Nothing]) -> People:
    """List people."""
    with call.context.database.connection() as conn:
        found = calls.list_people(conn)
    return People([Person(**msgspec.structs.asdict(person)) for person in found])


def create_person(call: Call[Nothing, CreatePerson]) -> Answer:
    """Let somebody log in."""
    require_known()
    wanted, password = call.body, hash_password(call.body.password)
    with call.context.database.connection() as conn:
        calls.create_person(conn, wanted.name, wanted.role, password)
    return Answer(201, ChangedAccount(wanted.name, "done"))


def set_role(call: Call[Nothing, SetRole]) -> ChangedAccount:
    """Change what somebody may do."""
    return _change(call, role=call.body.role)


def set_password(call: Call[Nothing, SetPassword]) -> ChangedAccount:
    """Change by what somebody logs in."""
    require_known()
    return _change(call, password=hash_password(call.body.password))


def disable(call: Call[Nothing, Nothing]) -> ChangedAccount:
    """Let somebody in no more."""
    return _change(call, disabled=True)


def enable(call: Call[Nothing, Nothing]) -> ChangedAccount:
    """Let somebody in again."""
    return _change(call, disabled=False)


def _change(call: Call[Nothing, Any], **given: Any) -> ChangedAccount:
    require_known()
    change_person(call.context.database, call.path["account"], **given)
    return ChangedAccount(call.path["account"], "done")


def _operation(method: str, path: str, name: str, summary: str, **more: Any) -> Operation:
    """Return an operation about accounts: all of them are for admins."""
    given: dict[str, Any] = {
        "role": Role.ADMIN,
        "tag": "accounts",
        "answers": {200: ChangedAccount},
        **more,
    }
    return Operation(method=method, path=path, name=name, summary=summary, **given)


OPERATIONS: Final = [
    _operation("GET", "/keys", "listKeys", "List keys", handler=list_keys, answers={200: ApiKeys}),
    _operation(
        "POST",
        "/keys",
        "createKey",
        "Make a key",
        description="The answer tells it, this once.",
        handler=make_key,
        body=CreateKey,
        answers={201: CreatedKey},
        problems=(409,),
    ),
    _operation(
        "POST", "/keys/{account}/revoke", "revokeKey", "Take a key back for good", handler=take_back
    ),
    _operation(
        "GET",
        "/people",
        "listPeople",
        "List who may log in",
        handler=list_people,
        answers={200: People},
    ),
    _operation(
        "POST",
        "/people",
        "createPerson",
        "Let somebody log in",
        handler=create_person,
        body=CreatePerson,
        answers={201: ChangedAccount},
        problems=(409,),
        heavy=True,
    ),
    _operation(
        "POST",
        "/people/{account}/set-role",
        "setPersonRole",
        "Change what somebody may do",
        handler=set_role,
        body=SetRole,
        problems=(409,),
    ),
    _operation(
        "POST",
        "/people/{account}/set-password",
        "setPersonPassword",
        "Change by what somebody logs in",
        description="He is logged out everywhere.",
        handler=set_password,
        body=SetPassword,
        heavy=True,
    ),
    _operation(
        "POST",
        "/people/{account}/disable",
        "disablePerson",
        "Let somebody in no more",
        description="He is logged out everywhere.",
        handler=disable,
        problems=(409,),
    ),
    _operation(
        "POST", "/people/{account}/enable", "enablePerson", "Let somebody in again", handler=enable
    ),
]
