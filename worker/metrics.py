"""What a worker tells of itself in its metrics."""

from typing import Final

from ..engine.monitoring.monitor import Monitor
from .worker import Worker

GAUGES: Final = {
    "slots": ("onceflow_worker_slots", "Handlers that may run at once"),
    "busy": ("onceflow_worker_busy", "Slots that are taken"),
    "unclaimed": ("onceflow_worker_unclaimed", "Messages that lie here unclaimed"),
    "paused": ("onceflow_worker_paused", "Whether no messages are taken for want of room"),
    "partitions": ("onceflow_worker_partitions", "Partitions from which messages come"),
}
COUNTERS: Final = {
    "claimed": ("onceflow_worker_claimed", "Tasks that were granted by claims"),
    "handed_off": ("onceflow_worker_handed_off", "Tasks that were granted by completions"),
    "skipped": ("onceflow_worker_claims_skipped", "Messages whose task was not to be claimed"),
    "held": ("onceflow_worker_claims_held", "Tasks held, for want of a handler or in a pause"),
    "quarantined": ("onceflow_worker_claims_quarantined", "Messages that name no task"),
    "completed": ("onceflow_worker_completed", "Attempts that succeeded"),
    "failed": ("onceflow_worker_failed", "Attempts that failed"),
    "deferred": ("onceflow_worker_deferred", "Attempts left to be answered from outside"),
    "given_back": ("onceflow_worker_given_back", "Attempts given back undone"),
    "stale": ("onceflow_worker_stale", "Attempts whose answer came too late"),
}
"""By the names of ``Worker.numbers``: the metric, and what it means."""


def add_metrics(monitor: Monitor, worker: Worker) -> None:
    """Have the monitor tell how a worker is, and what it has done."""
    monitor.add_numbers(worker.numbers, GAUGES, COUNTERS)
