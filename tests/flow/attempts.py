"""Attempts at tasks: how one fails, and what the clock does with a row."""

from .blocks import resume
from .children import tell
from .judging import retries
from .model import Error, Instance, Row


def is_stopping(row: Row) -> bool:
    """Whether a row that runs is only awaited, since its scope closes."""
    return row.is_forward and row.scope.state != "OPEN"


def fail_attempt(
    instance: Instance, row: Row, error: Error, retryable: bool, unknown: bool
) -> None:
    """Have an attempt fail: another follows, or the task has failed for good."""
    row.error, row.due_at = error, None
    row.unknown = row.unknown or unknown
    compensate = row.step.compensate
    retry = row.step.retry
    if row.undoes is not None and compensate is not None:
        retry = compensate.retry
    if is_stopping(row):
        instance.end(row, "CANCELLED")
    elif retryable and retries(retry, row):
        failed = max(row.attempt - row.extra, 1)
        row.state, row.due_at = "RETRYING", instance.now + retry.pause(failed)
    elif not row.is_forward:
        row.state = "DEAD_LETTER"
    else:
        instance.fail(row, error)


def fire_timer(instance: Instance, row: Row) -> None:
    """Do what is due of one row: a limit of its task goes before all else."""
    if row.limit_at is not None and row.limit_at <= instance.now:
        code = "total_timeout" if row.limit_at == row.end_by else "start_timeout"
        fail_attempt(instance, row, {"code": code}, False, row.state == "RUNNING")
    elif row.due_at is not None and row.due_at <= instance.now:
        if row.state == "RETRYING":
            row.come_due(instance.now, anew=False)
        elif row.step.kind == "sleep":
            instance.end(row, "SUCCEEDED")
        elif row.step.kind == "workflow" and row.state == "WAITING":
            row.error, row.due_at = {"code": "timeout"}, None
            tell(instance, row, "cancel")
        elif row.step.kind in ("wait_for", "approve"):
            instance.fail(row, {"code": "timeout"}, "timeout")
        else:
            fail_attempt(instance, row, {"code": "timeout"}, True, True)
    elif row.timeout_at is not None and row.timeout_at <= instance.now:
        row.timeout_at = None
        instance.fail(row, {"code": "timeout"}, "timeout")
    elif row.resume_at is not None and row.resume_at <= instance.now:
        resume(row)
