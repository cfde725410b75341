"""Decides whether what was sent to a topic can still be unread. No input, no output.

A watch is set on a topic in this order: first ``before``, a transaction id such that all that older
transactions queued was shipped by then (SQL: ``read_watermark``); after it the topic's end offsets.
So the messages of those transactions lie below these ends. Once every partition has been consumed
past its end, or can no longer hold what lay below it, nothing of them is unread: a task that one of
those transactions queued, and that still waits for its message, waits in vain.

Slow workers and long backlogs never make a watch pass: it passes by offsets, not by time.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as the broker tells it: the log holds the offsets from start up to before end.

    ``committed`` is the offset that the workers' group has consumed up to; None: nothing yet.
    """

    start: int
    end: int
    committed: int | None


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the broker tells it; ``id`` is empty where the broker gives none."""

    id: str
    partitions: Mapping[int, Partition]


@dataclass(frozen=True, slots=True)
class Watch:
    """Ends that were read after ``before``, and the partitions that have passed theirs."""

    before: str
    topic_id: str
    ends: Mapping[int, int]
    passed: frozenset[int] = frozenset()

    @property
    def is_over(self) -> bool:
        """Whether no message below the ends is unread any more, in any partition."""
        return self.passed >= self.ends.keys()


def set_watch(before: str, topic: Topic) -> Watch:
    """Watch a topic that was read after ``before`` was."""
    return Watch(before, topic.id, {number: p.end for number, p in topic.partitions.items()})


def look(watch: Watch, topic: Topic | None) -> Watch:
    """Return the watch with what has passed by now; ``topic`` is None where it is gone.

    What has passed stays passed: messages consumed once do not come back.
    """
    if topic is None or (watch.topic_id and topic.id and watch.topic_id != topic.id):
        passed = frozenset(watch.ends)
    else:
        passed = watch.passed | {
            number
            for number, end in watch.ends.items()
            if has_passed(end, topic.partitions.get(number))
        }
    return Watch(watch.before, watch.topic_id, watch.ends, passed)


def has_passed(end: int, now: Partition | None) -> bool:
    """Tell whether nothing below ``end`` is unread in a partition (None: it is gone)."""
    if now is None:
        return True
    if now.start >= end or now.end < end:
        return True  # expired or deleted; or another log, begun anew
    # A commit beyond the log is of an earlier log: its consumers begin anew at the start.
    return now.committed is not None and end <= now.committed <= now.end
