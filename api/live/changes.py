"""What tells that an instance may look otherwise than before, and costs little to ask."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from ..database import Database

MOST_TASKS: Final = 100
"""Tasks of an instance that are asked when they changed: claims are told by these alone. All else
that happens in an instance, of whatever size, changes its own row.
"""

CHANGES: Final[LiteralString] = """
select i.id, pg_catalog.concat_ws('|', i.seq, i.state, i.open_tasks, i.suspended_by, i.erased_at,
                                  t.changed_at),
       coalesce(t.running, false)
  from onceflow.instances i
 cross join lateral (
    select pg_catalog.max(few.changed_at) as changed_at, pg_catalog.bool_or(few.running) as running
      from (select changed_at, state = 'RUNNING' as running from onceflow.tasks
             where instance_id = i.id limit %(most)s) few) t
 where i.id = any(%(instances)s)"""


def read_changes(database: Database, instances: Sequence[UUID]) -> dict[UUID, tuple[str, bool]]:
    """Return of each instance what differs once it has changed, and whether it has running tasks.

    Those tell of their progress without a change. Instances that are gone are not in the answer.
    """
    with database.connection() as conn:
        found = conn.execute(CHANGES, {"instances": list(instances), "most": MOST_TASKS})
        return {instance: (token, running) for instance, token, running in found}
