"""/: how everything is, and what needs a person."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from ..reads.overview import COUNT_LIMIT, Overview, read_overview
from ..reads.trends import RangeQuery
from .page import Visit
from .render import count, render, span

SHIPPING_LATE: Final = timedelta(seconds=10)
"""From this age on a message that has not been shipped is told as a fault: usually it is 10 ms."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that needs a person: what it is, and the page that tells more."""

    level: str
    text: str
    link: str


def find_alarms(overview: Overview, now: datetime) -> list[Alarm]:
    """Return what needs a person, the most urgent first."""
    alarms: list[Alarm] = []
    if not overview.heartbeat.turns:
        alarms.append(Alarm("bad", str(overview.heartbeat).replace("`", ""), "/ui/workers#clock"))
    for queue in overview.queues:
        if queue.queued and not queue.live_workers:
            text = f"Queue {queue.name} has {_many(queue.queued, 'task')} and no live worker."
            alarms.append(Alarm("bad", text, "/ui/workers"))
        if queue.paused_at:
            text = f"Queue {queue.name} is paused."
            alarms.append(Alarm("warn", text, "/ui/workers#queues"))
    alarms += [Alarm("bad", str(one), "/ui/workers") for one in overview.missing_handlers]
    alarms += [Alarm("bad", str(one), "/ui/workers") for one in overview.missing_secrets]
    alarms += [Alarm("bad", str(one), "/ui/triggers") for one in overview.missing_hook_secrets]
    for stalled in overview.stalled_triggers:
        alarms.append(Alarm("bad", str(stalled).replace("`", ""), "/ui/triggers"))
    oldest = min((row.oldest_at for row in overview.outbox if row.oldest_at), default=now)
    # Where workers take messages themselves, the outbox is their queue: it may be long.
    if overview.transport != "postgres" and now - oldest > SHIPPING_LATE:
        age = span((now - oldest).total_seconds())
        why = ": a relay is running, and its log says why" if overview.heartbeat.turns else ""
        text = f"The oldest message has not been shipped for {age}{why}."
        alarms.append(Alarm("bad", text, "/ui/workers#outbox"))
    if overview.counts.dead_letters:
        number = _many(overview.counts.dead_letters, "dead letter")
        waits = "waits" if overview.counts.dead_letters == 1 else "wait"
        alarms.append(Alarm("bad", f"{number} {waits} for a decision.", "/ui/dead-letters"))
    alarms += [Alarm("warn", str(one), "/ui/workers") for one in overview.idle_workers]
    if overview.counts.quarantined:
        number = _many(overview.counts.quarantined, "message")
        text = f"{number} in quarantine."
        alarms.append(Alarm("warn", text, "/ui/workers#quarantine"))
    if overview.counts.suspended:
        number = _many(overview.counts.suspended, "instance")
        text = f"{number} suspended."
        link = "/ui/instances?" + urlencode({"suspended": "true"})
        alarms.append(Alarm("warn", text, link))
    return alarms


def _many(number: int, what: str) -> str:
    return f"{count(number, COUNT_LIMIT)} {what}{'' if number == 1 else 's'}"


def show_dashboard(visit: Visit) -> Response:
    """Show the dashboard."""
    over = visit.read_query(RangeQuery).over
    overview = read_overview(visit.database, visit.secrets, over)
    return render(
        "dashboard.html",
        {
            "overview": overview,
            "alarms": find_alarms(overview, datetime.now(UTC)),
            "over": over,
            "count_limit": COUNT_LIMIT,
            "refresh": "refresh" in visit.query,
        },
    )
