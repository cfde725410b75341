"""Looks for cases in which engine and interpreter differ: python -m tests.flow.cases CASES SEED.

Processes side by side (-j N) have a database each. What is found is printed as soon as it is small,
what has been met at the end.
"""

import sys
import time
from argparse import ArgumentParser
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

from ...servers import Servers, ensure_template, start_postgres
from .beside import end_with_parent, run_at_length
from .case import seeds
from .coverage import Coverage


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.flow.cases")
    parser.add_argument("cases", type=int, help="how many are tried")
    parser.add_argument("seed", type=int, help="what they are drawn by")
    parser.add_argument("-j", type=int, default=1, dest="processes", help="so many side by side")
    parser.add_argument("--seconds", type=float, default=60, help="for making a failure smaller")
    asked = parser.parse_args()
    began = time.monotonic()
    numbers = list(seeds(asked.seed, asked.cases))
    shares = [numbers[n :: asked.processes] for n in range(asked.processes)]
    coverage, failures = Coverage(), 0
    with ExitStack() as stack:
        servers = Servers(start_postgres(stack).dsn, "", "cases")
        ensure_template(servers)
        pool = stack.enter_context(
            ProcessPoolExecutor(
                asked.processes, mp_context=get_context("spawn"), initializer=end_with_parent
            )
        )
        tried = [pool.submit(run_at_length, servers, share, asked.seconds) for share in shares]
        for share in tried:
            found, met = share.result()
            failures += found
            coverage.add(met)
    took = time.monotonic() - began
    if coverage.cases:
        print(coverage)
    print(f"\n{coverage.cases} cases in {took:.0f} s, {failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
