"""Consumes task messages, claims, runs handlers, completes; and what authors of tasks import.

from onceflow.worker import Context, PermanentError, task

@task("invoice.create", transactional=True)
def create_invoice(customer: str, orders: list[int], ctx: Context) -> dict[str, int]:
    ...
"""

from .command import run_worker
from .handlers.context import AsyncContext, Context
from .handlers.errors import Cancelled, PermanentError, RetryableError, TaskError, UnknownOutcome
from .handlers.later import Later
from .handlers.registry import Registry, Retry, registry, task
from .worker import Options, Worker

__all__ = [
    "AsyncContext",
    "Cancelled",
    "Context",
    "Later",
    "Options",
    "PermanentError",
    "Registry",
    "Retry",
    "RetryableError",
    "TaskError",
    "UnknownOutcome",
    "Worker",
    "registry",
    "run_worker",
    "task",
]
