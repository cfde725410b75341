"""Looks for cases in which engine and interpreter differ: python -m tests.flow.cases CASES SEED."""

import sys
import time
from contextlib import ExitStack, closing

from ...servers import Servers, create_database, start_postgres
from .beside import run
from .case import Case, draw
from .coverage import Coverage
from .drawing import ENGINE
from .engine_harness import Hand
from .search import search


def main() -> None:
    cases, seed = int(sys.argv[1]), int(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 60
    coverage = Coverage()
    with ExitStack() as stack:
        servers = Servers(start_postgres(stack).dsn, "", "cases")
        conn = stack.enter_context(closing(create_database(servers, migrated=True).connect()))
        worker = Hand(conn)
        began = time.monotonic()

        def once(case: Case) -> None:
            run(conn, worker, case, coverage)

        found = search(seed, cases, once, lambda number: draw(number, kinds=ENGINE), seconds)
        took = time.monotonic() - began
    print("\n\n".join(found))
    print(f"{coverage.cases} cases in {took:.0f} s, {len(found)} failures")


if __name__ == "__main__":
    main()
