"""The audit: who changed what; and how long that is kept."""

from datetime import datetime
from typing import Final, LiteralString

from .base import Connection, change

DROP_AUDIT: Final[LiteralString] = """
select onceflow.drop_audit(p_before => %s::timestamptz, p_limit => %s::int)"""


def drop_audit(conn: Connection, before: datetime, limit: int = 10_000) -> int:
    """Delete up to ``limit`` rows of the audit from before a time; return how many.

    Call it, in autocommit, until it returns 0. Raises BadArgument for one of the last 30 days.
    """
    ((count,),) = change(conn, DROP_AUDIT, (before, limit))
    return count
