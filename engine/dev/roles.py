"""The logins of an embedded Postgres: an owner, and for each process one with what it needs.

They are those of a deployment (sql/roles.sql). Their passwords are made from the superuser's,
which no process is told.
"""

import hmac
from collections.abc import Mapping
from typing import Final, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ... import sql as files

OWNER: Final = "onceflow_owner"
PROCESSES: Final[Mapping[str, str]] = {"api": "operator", "relay": "relay", "worker": "worker"}
"""The commands that run as a role of their own, and the kind of access that it has."""

GRANTS: Final = [(f"onceflow_{process}", kind) for process, kind in PROCESSES.items()]
"""What migrate grants to the roles."""


def make_roles(superuser: str) -> dict[str, str]:
    """Make the roles in the database of an embedded superuser's DSN; return how each logs in.

    By process, and ``owner``. Raises psycopg.Error.
    """
    given = conninfo_to_dict(superuser)
    secret = str(given["password"]).encode()
    place = f"{given['host']}:{given['port']}/{given['dbname']}"
    logins: dict[str, str] = {}
    with psycopg.connect(superuser, autocommit=True) as conn:
        # Its statistics would keep the texts, passwords and all.
        conn.execute("set pg_stat_statements.track_utility = off")
        text = (files.FOLDER / "roles.sql").read_text(encoding="utf-8")
        conn.execute(cast(LiteralString, text))
        for process in ("owner", *PROCESSES):
            role = f"onceflow_{process}"
            password = hmac.digest(secret, role.encode(), "sha256").hex()
            statement = sql.SQL("alter role {} password {}")
            conn.execute(statement.format(sql.Identifier(role), sql.Literal(password)))
            logins[process] = f"postgresql://{role}:{password}@{place}"
    return logins
