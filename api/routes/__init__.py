"""The operations of the API, by what they are about."""

from typing import Final

from ..operation import Operation
from . import (
    accounts,
    audit,
    config,
    dead_letters,
    deferred,
    forms,
    health,
    hooks,
    instances,
    schedules,
    starts,
    system,
    triggers,
    waiting,
    workflows,
)

OPERATIONS: Final[list[Operation]] = [
    *workflows.OPERATIONS,
    *starts.OPERATIONS,
    *instances.OPERATIONS,
    *hooks.OPERATIONS,
    *dead_letters.OPERATIONS,
    *deferred.OPERATIONS,
    *forms.OPERATIONS,
    *triggers.OPERATIONS,
    *schedules.OPERATIONS,
    *waiting.OPERATIONS,
    *system.OPERATIONS,
    *config.OPERATIONS,
    *audit.OPERATIONS,
    *accounts.OPERATIONS,
    *health.OPERATIONS,
]
