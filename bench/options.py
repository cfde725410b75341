"""What a run of the benchmark is told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """The size of everything.

    ``runs``         windows of each figure, of which the median is reported
    ``warm_up``      seconds of load before the first window
    ``window``       seconds of one window of a closed loop
    ``alone``        instances run one after the other where latency is measured
    ``quiet``        seconds for which an idle deployment is watched, to know what it uses by itself
    ``workers``      worker processes, ours and the peers'
    ``concurrency``  handlers that one worker runs at once
    ``variants``     names of our variants to run; none: all that there are
    ``peers``        names of the peers to run beside us, with one in flight and with
                     ``peers_in_flight``
    ``retries``, ``backlog``, ``history``  counts of scenarios f, g and h
    ``schedules``, ``sleeps``, ``asleep``  counts of scenarios l, m and p
    ``items``        of the for_each of scenario j; ``undone`` of that which is undone
    ``wide``         tasks of the instance of scenario k
    ``data``         where the seeded database of scenario h is kept; None: it is thrown away
    """

    quick: bool = False
    runs: int = 3
    warm_up: float = 3.0
    window: float = 10.0
    alone: int = 200
    quiet: float = 5.0
    in_flight: tuple[int, ...] = (1, 16, 256, 2000)
    workers: int = 2
    concurrency: int = 500
    variants: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    peers_in_flight: int = 256
    retries: int = 100_000
    backlog: int = 1_000_000
    history: int = 10_000_000
    items: tuple[int, ...] = (1_000, 10_000, 100_000)
    undone: int = 10_000
    wide: int = 2_000
    schedules: int = 10_000
    sleeps: int = 100_000
    asleep: int = 1_000_000
    data: Path | None = None


QUICK = Options(
    quick=True,
    runs=1,
    warm_up=1.0,
    window=2.0,
    alone=40,
    quiet=1.0,
    in_flight=(1, 256),
    retries=1_000,
    backlog=5_000,
    history=20_000,
    items=(100, 1_000),
    undone=500,
    wide=200,
    schedules=200,
    sleeps=1_000,
    asleep=2_000,
)
