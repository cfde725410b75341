"""A worker moved by hand: it claims what is queued, and answers as the test says."""

from typing import Any
from uuid import UUID, uuid4

import psycopg

from onceflow.engine.calls import (
    Answer,
    Completion,
    Deferral,
    Failure,
    Grant,
    Key,
    claim_tasks,
    complete_tasks,
    defer_tasks,
    fail_tasks,
    register_worker,
    token_of,
)

TASKS = ["shop.reserve", "shop.pay", "test.only"]


class HandWorker:
    """One registered worker of the queue ``default``."""

    def __init__(
        self,
        conn: psycopg.Connection[Any],
        name: str = "by-hand",
        lease: float = 60.0,
        tasks: list[str] = TASKS,
    ) -> None:
        self._conn = conn
        self._call = 0
        self.id = register_worker(conn, name, ["default"], tasks, lease)

    def claim_all(self, instance: str | UUID) -> list[Grant]:
        """Claim all tasks of an instance that are queued."""
        rows = self._conn.execute(
            "select instance_id, task from onceflow.tasks"
            " where instance_id = %s and state = 'QUEUED' order by task",
            (instance,),
        ).fetchall()
        token = uuid4()
        self._call += 1
        keys = [Key(*row) for row in rows]
        claimed = claim_tasks(self._conn, self.id, token, self._call, keys)
        return [claim.grant for claim in claimed if claim.grant is not None]

    def claim(self, instance: str | UUID) -> Grant:
        """Claim the one task of an instance that is queued."""
        (grant,) = self.claim_all(instance)
        return grant

    def defer(self, instance: str | UUID) -> str:
        """Claim the queued task of an instance, leave it to be answered, and return the token."""
        grant = self.claim(instance)
        defer_tasks(self._conn, [Deferral(grant.instance_id, grant.task, grant.fence, 60)])
        return token_of(grant.instance_id, grant.task, grant.fence)

    def complete(self, instance: str | UUID, output: Any = None) -> Answer:
        """Claim the queued task of an instance and complete it."""
        grant = self.claim(instance)
        completion = Completion(grant.instance_id, grant.task, grant.fence, output)
        (answer,) = complete_tasks(self._conn, self.id, [completion])
        return answer

    def fail(self, instance: str | UUID, code: str = "test.broken", **more: Any) -> Answer:
        """Claim the one queued task of an instance and fail it for good."""
        (answer,) = self.fail_all(instance, code, **more)
        return answer

    def fail_all(
        self, instance: str | UUID, code: str = "test.broken", **more: Any
    ) -> list[Answer]:
        """Claim all queued tasks of an instance and fail them for good."""
        error = {"code": code, "message": "it broke", **more}
        failures = [
            Failure(grant.instance_id, grant.task, grant.fence, error, retryable=False)
            for grant in self.claim_all(instance)
        ]
        return fail_tasks(self._conn, failures)
