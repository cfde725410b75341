"""Two relays that take records of one topic, killed and paused at random: each record counts once.

Each relay is of a group of its own: both receive every record, and believe that they own it.
ONCEFLOW_FUZZ makes it long (make check-long): 200,000 records, ten kills, a pause that outlasts
the broker's session.
"""

import signal
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from onceflow.engine.settings import Settings

from ..fuzz.effort import TIMES
from ..support import wait_until
from .support import Conn, RelayProcess, relay_processes
from .topics import Topic, has_started, started

pytestmark = [
    pytest.mark.only("kafka", reason="it is about topics"),
    pytest.mark.timeout(120 if TIMES == 1 else 1800),
]

RECORDS, KILLS, PAUSE = (6_000, 3, 0.0) if TIMES == 1 else (200_000, 10, 12.0)
POISONED_EACH = 1_000


class Relays:
    """Two relays; one that is killed is followed by another."""

    def __init__(self, settings: Settings, folder: Path, stack: ExitStack) -> None:
        self._settings, self._folder, self._stack, self._made = settings, folder, stack, 0
        self.both = [self._start(), self._start()]

    def _start(self) -> RelayProcess:
        self._made += 1
        own = replace(self._settings, prefix=f"{self._settings.prefix}-{self._made}")
        names = [f"relay-{self._made}"]
        (relay,) = self._stack.enter_context(relay_processes(own, self._folder, names))
        return relay

    def kill(self, which: int) -> None:
        """Kill one of them; another takes its place."""
        self.both[which].process.kill()
        self.both[which].wait()
        self.both[which] = self._start()


def test_killed_and_paused_at_random_each_record_counts_once_and_the_poisoned_are_told(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    seed = 7 if TIMES == 1 else time.time_ns() % 2**32
    print(f"seed {seed}")
    rnd = Random(seed)
    topic = Topic(settings)
    topic.deploy(conn)
    for first in range(0, RECORDS, POISONED_EACH):
        topic.orders(range(first, first + POISONED_EACH - 1))
        topic.put([b"{"])
    good = [n for n in range(RECORDS) if (n + 1) % POISONED_EACH]
    with ExitStack() as stack:
        relays = Relays(settings, tmp_path, stack)
        for count in sorted(rnd.sample(range(1, len(good)), KILLS)):
            wait_until(has_started(conn, count), f"{count} instances", 600)
            relays.kill(rnd.randrange(2))
        paused = rnd.choice(relays.both)
        paused.wait_for("takes from")  # one that has only just been started holds nothing yet
        paused.process.send_signal(signal.SIGSTOP)
        time.sleep(PAUSE)
        wait_until(has_started(conn, len(good)), "all that can start", 600)
        paused.process.send_signal(signal.SIGCONT)
        # What it had received when it stopped it still believes to be its own.
        topic.orders(range(RECORDS, RECORDS + 100))
        good += range(RECORDS, RECORDS + 100)
        wait_until(has_started(conn, len(good)), "the last", 600)
        assert paused.stop() == 0
    assert started(conn) == good
    told = conn.execute(
        "select count(*)::int, bool_and(reason ^@ 'the value is not JSON')"
        " from onceflow.quarantined"
    )
    assert told.fetchone() == (RECORDS // POISONED_EACH, True)
