"""What users of other engines write to have workflows started, each with our form of it."""

import re
from collections.abc import Mapping
from typing import Final, cast

from ...json_text import Json
from ...schedules import NICKNAMES

_CRON = re.compile(r"(?:cron\()?\s*((?:[\w*/,#-]+\s+){4}[\w*/,#-]+)\s*\)?")
_RATE = re.compile(r"(?:rate\(|@every\s)?\s*(\d{1,6})\s*(d|h|m|s)\w*\s*\)?")
SCHEDULE: Final = '`on: [{id: nightly, schedule: {cron: "0 6 * * *"}}]`'


def plan_of(value: Json) -> str | None:
    """Return our form of a schedule that is written in another language; None for others."""
    if isinstance(value, list) and value:
        return plan_of(cast(list[Json], value)[0])
    if isinstance(value, dict):
        members = cast(dict[str, Json], value)
        zone = members.get("timezone", members.get("timeZone"))
        for key in ("cron", "cronExpression", "schedules", "schedule", "every", "interval"):
            if plan := plan_of(members.get(key)):
                behind = f", timezone: {zone}" if isinstance(zone, str) and len(zone) < 40 else ""
                return f"{plan}{behind}"
        return None
    if not isinstance(value, str) or len(value) > 80:
        return None
    text = NICKNAMES.get(value.strip().lower(), value)
    if found := _CRON.fullmatch(text):
        return f'cron: "{found[1]}"'
    if found := _RATE.fullmatch(text):
        return f"every: {found[1]}{found[2]}"
    return None


def schedule(value: Json, _: Mapping[str, Json]) -> str | None:
    """A schedule under a key of the workflow."""
    plan = plan_of(value)
    return plan and f"`on: [{{id: schedule, schedule: {{{plan}}}}}]`"


def entry(name: str, value: Json) -> str:
    """Return our form of an entry that stands under its name, as GitHub Actions has it."""
    plan = plan_of(value) if name == "schedule" else None
    return f"`on: [{{id: {name}, schedule: {{{plan or 'cron: …'}}}}}]`" if plan else SCHEDULE


def _keys(form: str, words: str) -> dict[str, str]:
    return {word: f"{word!r} is {form}" for word in words.split()}


OF_AN_ENTRY: Final[Mapping[str, str]] = {
    **_keys("`id: …`", "name"),
    **_keys("a key of `schedule: {…}`", "cron every interval timezone catch_up overlap jitter"),
    **_keys("told by the key that says what starts it, such as `schedule: {…}`", "type kind"),
}
"""Why an entry of `on` has no such key."""
OF_A_SCHEDULE: Final[Mapping[str, str]] = {
    **_keys(
        '`cron: "0 6 * * *"`', "schedule schedules expression cronExpression schedule_interval"
    ),
    **_keys("`every: 15m`", "interval rate period"),
    **_keys("`timezone: Europe/Warsaw`", "timeZone tz time_zone zone"),
    **_keys(
        "`overlap: skip`, or queue, allow, cancel",
        "concurrencyPolicy overlap_policy overlapPolicy max_active_runs concurrency",
    ),
    **_keys(
        "`catch_up: 1h`, how late a planned time may still start",
        "catchup catchUp catchupWindow catchup_window startingDeadlineSeconds misfire_grace_time",
    ),
    **_keys("`input: {…}`", "inputs args arguments conf params with"),
    **_keys("not in the definition: `onceflow triggers pause`", "suspend paused enabled is_paused"),
    **_keys(
        "not needed: it plans from when it is deployed; `onceflow schedule backfill` starts what "
        "lies before",
        "start_date startAt start_at start end_date",
    ),
}
"""Why a schedule has no such key."""
OF_A_KAFKA: Final[Mapping[str, str]] = {
    **_keys("`topic: NAME`, an entry for each topic", "topics topicPattern name"),
    **_keys(
        "`group: NAME`, or left out",
        "groupId group_id consumerGroup consumer_group consumerGroupId groupID",
    ),
    **_keys("`key: $.value.id`", "idempotency_key idempotencyKey dedupe deduplicationKey"),
    **_keys('`when: $.value.type == "order"`', "filter condition filters if"),
    **_keys("`input: {…}`", "inputs args arguments data with payload"),
    **_keys(
        "`format: json`, or avro, protobuf", "valueDeserializer deserializer serde valueFormat"
    ),
    **_keys(
        "a setting of the relay: ONCEFLOW_KAFKA",
        "brokers bootstrap bootstrapServers properties connection url",
    ),
    **_keys("a setting of the relay: ONCEFLOW_SCHEMA_REGISTRY", "schemaRegistry schemaRegistryUrl"),
    **_keys("not needed: each record counts once", "autoCommit acks offset startingOffset"),
}
"""Why a topic that starts instances has no such key."""
