"""The names of our topics and of the workers' consumer group; all begin with ONCEFLOW_PREFIX."""

import re

from .settings import Settings

NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")


def is_topic(name: str) -> bool:
    """Tell whether Kafka takes ``name`` for a topic."""
    return NAME.fullmatch(name) is not None and name not in (".", "..")


def task_topic(settings: Settings, queue: str) -> str:
    """Return the topic that carries the tasks of ``queue``."""
    return f"{settings.prefix}.tasks.{queue}"


def dead_letter_topic(settings: Settings) -> str:
    """Return the topic to which dead letters are published."""
    return f"{settings.prefix}.dead-letters"


def form_topic(settings: Settings) -> str:
    """Return the topic on which open forms are told of."""
    return f"{settings.prefix}.forms"


def worker_group(settings: Settings) -> str:
    """Return the consumer group that all workers share."""
    return f"{settings.prefix}.workers"


def intake_group(settings: Settings, workflow: str, trigger: str) -> str:
    """Return the consumer group of a trigger that names none."""
    return f"{settings.prefix}.{workflow}.{trigger}"
