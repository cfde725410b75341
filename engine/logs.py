"""Logging of our processes: one line an event on stderr, told apart by logger and process."""

import logging
import sys
import time


class _UtcFormatter(logging.Formatter):
    """Times in UTC, so that the lines of several machines can be laid side by side."""

    converter = staticmethod(time.gmtime)


def set_up_logging(level: str) -> None:
    """Send what our loggers say at ``level`` or above to stderr, and warnings of others with it."""
    handler = logging.StreamHandler(sys.stderr)
    form = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
    handler.setFormatter(_UtcFormatter(form, datefmt="%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("onceflow").setLevel(level.upper())
    # The pool reports each failed connection itself; we say it once, with the reason, in pool.py.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
