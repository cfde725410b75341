"""Logging of our processes: one line an event on stderr, as text or JSON.

What is logged may hold strangers' text. A control character in it is written as an escape, so that
no message ends its line, begins a forged one, or has a terminal do something; credentials in it are
masked, in messages, fields and tracebacks, and in what Python itself writes of an exception that
nobody caught.
"""

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final

from .redact import masked, masked_value
from .tracing import current_trace_id

log = logging.getLogger("onceflow")

FIELDS = "fields"
"""Name of the ``extra`` of a record under which it has fields of its own, for the JSON form."""

TRACES = "traces"
"""Name of the ``extra`` of a record under which it has the ids of the traces that it is about;
without it these are that of what is done now."""
MOST_TRACES: Final = 5
"""Traces that a line tells: it may be about a batch."""

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class _Formatter(logging.Formatter):
    """Times in UTC, so that the lines of several machines can be laid side by side."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        form = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
        super().__init__(form, datefmt="%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler's words, in which nothing is masked
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = escaped(masked(record.message)).replace("\n", "\\n")
        if traces := _traces_of(record):
            record.message += f" [trace {', '.join(traces)}]"
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        return _indented(stack_info)


class _JsonFormatter(_Formatter):
    """One object a line, in ASCII, which has no control characters and any encoding takes."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": masked(record.getMessage()),
        }
        traces = _traces_of(record)
        if len(traces) == 1:
            told["trace_id"] = traces[0]
        elif traces:
            told["trace_ids"] = traces
        told |= masked_value(getattr(record, FIELDS, {}))
        if record.exc_info:
            told["exception"] = masked(logging.Formatter.formatException(self, record.exc_info))
        if record.stack_info:
            told["stack"] = masked(record.stack_info)
        return json.dumps(told, default=lambda value: masked(str(value)))


def about(traces: Iterable[str | None], **fields: Any) -> dict[str, Any]:
    """Return the ``extra`` of a line about what belongs to traces, by their ids, and its fields."""
    return {TRACES: [*dict.fromkeys(each for each in traces if each)], FIELDS: fields}


def _traces_of(record: logging.LogRecord) -> list[str]:
    found: list[str] = getattr(record, TRACES, None) or []
    if not found and (current := current_trace_id()):
        found = [current]
    more = len(found) - MOST_TRACES
    return found if more <= 0 else [*found[:MOST_TRACES], f"and {more} more"]


def escaped(text: str) -> str:
    """Return ``text`` with escapes for control characters, but for line ends and tabs."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _indented(text: str) -> str:
    """Return lines that nobody takes for records of their own."""
    return "\n".join("    " + line for line in escaped(masked(text)).split("\n"))


def set_up_logging(level: str, form: str = "text") -> None:
    """Send what our loggers say at ``level`` or above to stderr, and warnings of others with it.

    ``form`` is ``text`` or ``json``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if form == "json" else _Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("onceflow").setLevel(level.upper())
    # The pool reports each failed connection itself; we say it once, with the reason, in pool.py.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def report_what_nobody_caught() -> None:
    """Have exceptions that end this process or one of its threads logged as all else is."""
    set_up_logging("info")  # until the settings are read
    sys.excepthook = _report
    threading.excepthook = _report_of_a_thread


def _report(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Log an exception that nobody caught."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        log.critical("nobody caught this", exc_info=(kind, error, traceback))


def _report_of_a_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        name = "" if args.thread is None else args.thread.name
        told = (args.exc_type, args.exc_value, args.exc_traceback)
        log.critical("nobody caught this in thread %s", name, exc_info=told)
