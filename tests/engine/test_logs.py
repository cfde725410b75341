"""What our processes log: one event a line, whatever is in it, as text or JSON."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from onceflow.engine.logs import FIELDS, about, set_up_logging
from onceflow.engine.tracing import told_trace

FORGED = (
    "no order\n2026-01-31T03:00:00.000Z ERROR   onceflow.api: hacked\r\x1b[2J\x9b\u202e\u2028\ud800"
)

log = logging.getLogger("onceflow.logs_of_a_test")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    names = ("", "onceflow", "psycopg.pool")
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in names}
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def fail() -> None:
    raise ValueError(FORGED)


def test_text_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    log.warning("failed: %s", FORGED)
    (line,) = capsys.readouterr().err.splitlines()
    assert "no order\\n2026" in line
    assert "hacked\\r\\x1b[2J\\x9b\\u202e\\u2028\\ud800" in line


def test_lines_of_a_traceback_are_told_from_records(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    try:
        fail()
    except ValueError:
        log.exception("it failed")
    first, *others = capsys.readouterr().err.splitlines()
    assert first.endswith("ERROR   onceflow.logs_of_a_test: it failed")
    assert len(others) > 3
    assert all(line.startswith("    ") for line in others)
    assert "\x1b" not in "".join(others)


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "json")
    log.info("kept: %s", FORGED, extra={FIELDS: {"task": "pay", "attempt": 2, "odd": object}})
    try:
        fail()
    except ValueError:
        log.error("é", exc_info=sys.exc_info())
    log.debug("not asked for")
    text = capsys.readouterr().err
    assert text.isascii()
    one, other = (json.loads(line) for line in text.splitlines())
    assert (one["level"], one["logger"]) == ("info", "onceflow.logs_of_a_test")
    assert one["message"] == f"kept: {FORGED}"
    assert (one["task"], one["attempt"]) == ("pay", 2)
    assert one["time"].endswith("Z")
    assert other["message"] == "é"
    assert "ValueError: no order" in other["exception"]


TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_tells_the_traces_that_it_is_about(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    set_up_logging("info", form)
    several = [f"{n:032x}" for n in range(1, 8)]
    log.info("of none")
    log.info("of one", extra=about([TRACE, None, TRACE], task="pay"))
    log.info("of several", extra=about(several))
    before = told_trace.set({"traceparent": f"00-{TRACE}-b7ad6b7169203331-00"})
    try:
        log.info("of what is answered")
    finally:
        told_trace.reset(before)
    lines = capsys.readouterr().err.splitlines()
    if form == "text":
        told = [line.partition("[")[2] for line in lines]
        most = ", ".join(several[:5])
        assert told == ["", f"trace {TRACE}]", f"trace {most}, and 2 more]", f"trace {TRACE}]"]
        return
    none, one, many, answered = (json.loads(line) for line in lines)
    assert not {"trace_id", "trace_ids"} & none.keys()
    assert (one["trace_id"], one["task"]) == (TRACE, "pay")
    assert many["trace_ids"] == [*several[:5], "and 2 more"]
    assert answered["trace_id"] == TRACE
