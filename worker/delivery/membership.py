"""Tells when a member of the workers' group has been without partitions for too long."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger("onceflow.worker")

JOINING = 15.0
"""Seconds that a group may well take to give its members their partitions, after one has died."""

LONGEST_PATIENCE = 300.0
"""Seconds between two tries to join anew, at the longest."""


class Membership:
    """What has become of a member of the group, over all consumers that it makes. For one thread.

    A broker may leave a group without an assignment for ever, for one when the member that was to
    make it has died: whoever joins anew begins another. Where there are more workers than
    partitions one is rightly without: it has joined anew once, and then waits for its turn.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Be patient for so many seconds at first: a worker's lease."""
        self._clock = clock
        self._first_patience = self._patience = patience
        self._since: float | None = None
        self._asked_at = clock()
        self._tried_as_spare = False

    @property
    def without_for(self) -> float:
        """For how many seconds it has had no partition since it subscribed; 0 where it has."""
        return 0.0 if self._since is None else self._clock() - self._since

    def must_join_anew(self, partitions: int, assigned: bool) -> bool:
        """Tell whether a new consumer is to be made.

        ``assigned``: the group has told this member its partitions, if only that there are none.
        """
        now = self._clock()
        if partitions:
            if self._since is not None and self.without_for > self._first_patience:
                log.info("partitions have come after %.0f s", self.without_for)
            self._since, self._patience, self._tried_as_spare = None, self._first_patience, False
            return False
        if self._since is None:
            self._since = self._asked_at = now
        if now - self._asked_at < self._patience:
            return False
        self._asked_at = now
        if assigned and self._tried_as_spare:
            if self._patience < LONGEST_PATIENCE:
                self._patience = LONGEST_PATIENCE
                log.warning(
                    "no partition for %.0f s: there are as many workers as partitions, and this "
                    "one is spare; raise ONCEFLOW_PARTITIONS, or run fewer workers",
                    self.without_for,
                )
            return False
        self._tried_as_spare = assigned
        self._patience = min(self._patience * 2, LONGEST_PATIENCE)
        log.warning(
            "no partition for %.0f s%s: this worker joins the group anew",
            self.without_for,
            "" if assigned else ", nor has the group of workers been given any",
        )
        return True
