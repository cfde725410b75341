"""When schedules are due: what they have planned, and what they do when its time has come."""

from .plan import EPOCH, NICKNAMES, Plan, PlanError, read_cron, read_zone
from .turn import Missed, Turn, take_turn

__all__ = [
    "EPOCH",
    "NICKNAMES",
    "Missed",
    "Plan",
    "PlanError",
    "Turn",
    "read_cron",
    "read_zone",
    "take_turn",
]
