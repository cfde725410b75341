"""When schedules are due: the times that they have planned, and how these are spread."""

from .plan import EPOCH, NICKNAMES, Plan, PlanError, read_cron, read_zone

__all__ = ["EPOCH", "NICKNAMES", "Plan", "PlanError", "read_cron", "read_zone"]
