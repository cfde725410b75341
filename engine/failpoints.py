"""Named points at which a test can make a process die or freeze.

The environment variable ``ONCEFLOW_FAILPOINT`` holds ``NAME[:ACTION[:NTH]]``. When the process
comes to ``hit(NAME)`` for the NTH time (1 unless given) it writes the line ``failpoint NAME`` to
stderr and then does ACTION:

- ``kill`` (the default): SIGKILL to itself. Nothing is cleaned up, as in a crash.
- ``stop``: SIGSTOP to itself. All its threads freeze, leases run out, and SIGCONT wakes it again
  as a process that does not know how long it has slept.

Without the variable a point costs one call of an empty function.
"""

import os
import signal
import sys
from collections.abc import Callable

NAMES = frozenset(
    {
        "api.after_send",  # a signal or an event is committed; nobody has been told
        "migrate.in_migration",  # a migration is applied and marked; nothing is committed
        "migrate.in_functions",  # functions and views are replaced; nothing is committed
        "relay.after_apply",  # what was sent to instances is applied; the clock has not gone on
        "relay.after_timers",  # sleeps, retries and timeouts have come about; nothing else has
        "relay.before_fire",  # what schedules have planned is computed; nothing is started
        "relay.after_fire",  # that is committed; nobody has been told
        "relay.after_produce",  # the broker has acknowledged; the outbox rows are still there
        "relay.before_take",  # records are consumed; nothing of them is taken
        "relay.after_take",  # what they start is committed; the group's offset is not
        "worker.before_claim",  # messages are consumed; nothing is claimed
        "worker.after_claim",  # the claim is committed; offsets and handlers are still to come
        "worker.in_handler",  # the handler is about to run
        "worker.in_group",  # a handler that shares its transaction has returned
        "worker.before_complete",  # the handler has returned; its answer is not sent
        "worker.after_complete",  # the completion is committed; nothing else has happened since
    }
)
ACTIONS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def _nothing(name: str, /) -> None:
    """Stand where no failpoint is set."""


def _armed(setting: str) -> Callable[[str], None]:
    """Return the function that counts the hits of the point named in ``setting``."""
    name, _, rest = setting.partition(":")
    action, _, nth = rest.partition(":")
    action = action or "kill"
    if name not in NAMES or action not in ACTIONS or not (nth or "1").isdigit():
        raise SystemExit(
            f"ONCEFLOW_FAILPOINT={setting!r} is not NAME[:ACTION[:NTH]] with NAME one of "
            f"{', '.join(sorted(NAMES))} and ACTION one of {', '.join(ACTIONS)}"
        )
    left = int(nth or "1")

    def count(hit_name: str, /) -> None:
        nonlocal left
        if hit_name != name:
            return
        left -= 1
        if left == 0:
            os.write(
                sys.__stderr__.fileno() if sys.__stderr__ else 2,
                f"failpoint {name}\n".encode(),
            )
            os.kill(os.getpid(), ACTIONS[action])

    return count


_setting = os.environ.get("ONCEFLOW_FAILPOINT", "")

hit: Callable[[str], None] = _armed(_setting) if _setting else _nothing
"""Tell that the process has come to the point of this name (see NAMES)."""
