"""Starts many instances in sets, and follows them to their end."""

import time
from collections.abc import Callable

from onceflow.engine.calls import start_instances

from .deployment import Deployment, inputs

SET = 500
"""Instances in one call."""


def start_many(
    deployment: Deployment, workflow: str, count: int, beat: Callable[[float], None]
) -> float:
    """Start ``count`` instances and return how many seconds that took."""
    began = time.monotonic()
    for number in range(0, count, SET):
        start_instances(deployment.conn, workflow, inputs(min(SET, count - number)))
        deployment.check()
        beat(min(number + SET, count))
    return time.monotonic() - began


def expect_success(deployment: Deployment, count: int) -> None:
    """Raise RuntimeError unless exactly ``count`` instances exist and all have succeeded."""
    rows = deployment.conn.execute(
        "select state, count(*) from onceflow.instance group by state"
    ).fetchall()
    if dict(rows) != {"SUCCEEDED": count}:
        raise RuntimeError(f"{count} instances should have succeeded, and these are: {rows}")
