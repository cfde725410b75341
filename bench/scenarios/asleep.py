"""(p) The reference load beside many instances that sleep, in turn with an empty database."""

from functools import partial

from ..bench import Bench
from ..bulk import start_many
from ..deployment import POSTGRES, deployed
from ..load import ClosedLoop, Run
from ..turns import Side, take_turns
from ..workflows import sequence, sleeping

TITLE = "4 steps, closed loop, beside sleeping instances"
STEPS = 4
IN_FLIGHT = 256


def run(bench: Bench) -> None:
    """Put so many to sleep in one of two databases, and load both in turn, as often as runs say."""
    count = bench.options.asleep
    with bench.servers.database() as empty, bench.servers.database() as full:
        _put_to_sleep(bench, full, count)
        beside = Side(f"beside {count:,} asleep", partial(_turn, bench, full))
        alone = Side("empty database", partial(_turn, bench, empty))
        take_turns(bench, "p", f"onceflow {POSTGRES.name}", beside, alone)


def _put_to_sleep(bench: Bench, dsn: str, count: int) -> None:
    with deployed(bench.servers, POSTGRES, bench.options, dsn) as deployment:
        workflow = sleeping(1).register(deployment.conn)
        start_many(deployment, workflow, count, bench.bar("(p) putting to sleep", count))
        deployment.conn.execute("vacuum (analyze)")


def _turn(bench: Bench, dsn: str) -> Run:
    """Load a database for a window, with processes of its own; those of the other have ended."""
    with deployed(bench.servers, POSTGRES, bench.options, dsn) as deployment:
        workflow = sequence(STEPS).register(deployment.conn)
        deployment.start_relay()
        deployment.start_workers()
        loop = ClosedLoop(deployment, workflow, STEPS, IN_FLIGHT)
        loop.keep_full(bench.options.warm_up, lambda _: None)
        run = loop.window(bench.options.window, lambda _: None)
        loop.drain()
        return run
