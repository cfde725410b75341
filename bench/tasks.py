"""The tasks of the load: handlers that do nothing, fail, or take their time."""

import asyncio

from onceflow.worker import Context, PermanentError, task


@task("bench.noop")
async def noop() -> None:
    """Do nothing: what is measured is the engine."""


@task("bench.slow")
async def slow(seconds: float) -> None:
    """Take ``seconds``, as a task does that waits for somebody else."""
    await asyncio.sleep(seconds)


@task("bench.flaky")
async def flaky(context: Context) -> None:
    """Fail at the first attempt, succeed at the next."""
    if context.attempt == 1:
        raise RuntimeError("the first attempt fails")


@task("bench.refuse")
async def refuse() -> None:
    """Fail for good, so that what was done is undone."""
    raise PermanentError("this task always fails", code="bench.refused")


@task("bench.write", transactional=True)
def write(context: Context) -> None:
    """Do nothing but use the transaction in which the task completes."""
    context.connection.execute("select 1")
