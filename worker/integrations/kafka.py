"""``kafka.publish``: an event to a Kafka topic, through the outbox."""

from typing import Any

from .. import Context, task


@task("kafka.publish", transactional=True)
def publish(
    topic: str,
    value: Any,
    ctx: Context,
    key: str | None = None,
    headers: dict[str, str] = {},  # noqa: B006 - never changed
) -> dict[str, str]:
    """Publish ``value`` as JSON and return ``{"event_id"}``.

    It is sent when, and only when, this task has completed: at least once, always with the same id
    in the header onceflow-event-id, by which a consumer knows a repetition.
    """
    return {"event_id": ctx.publish(topic, value, key, headers)}
