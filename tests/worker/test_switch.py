"""A live deployment is switched from one transport to the other, under load, and back.

Workers and relays are processes; what is under way when they are stopped goes on over the other
transport: every instance ends, every effect is there once.
"""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from onceflow.engine.calls.transport import switch
from onceflow.engine.settings import Settings

from ..support import wait_until
from ..transports import use
from .support import Conn, effects
from .test_crashes import begin, prepare, process, quick, require_effects_once, worker_process


def other(transport: str) -> str:
    return "postgres" if transport == "kafka" else "kafka"


@pytest.fixture
def settings(conn: Conn, settings: Settings, transport: str) -> Settings:
    """Settings of the transport that the test begins with."""
    use(conn, transport)
    return quick(replace(settings, transport=transport))


# guarantee: switch-loses
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_under_load_every_instance_ends_and_every_effect_is_there_once(
    conn: Conn, settings: Settings, tmp_path: Path, end: str
) -> None:
    prepare(conn)
    ids = begin(conn, 150)
    log = tmp_path / "worker.log"
    new = replace(settings, transport=other(settings.transport))
    with process(settings, tmp_path / "relay.log", "relay") as relay:
        with worker_process(settings, log) as one, worker_process(settings, log) as two:
            wait_until(lambda: len(effects(conn)) > 40, "some effects", 60)
            there = "select from onceflow.workers"  # one that only begins ends by the signal
            wait_until(lambda: len(conn.execute(there).fetchall()) == 2, "both workers", 60)
            ids += begin(conn, 50)
            number = signal.SIGTERM if end == "stopped" else signal.SIGKILL
            for worker in (one, two):
                worker.send_signal(number)
            codes = {worker.wait(60) for worker in (one, two)}
            assert codes == {0 if end == "stopped" else -number}, log.read_text()
        assert len(effects(conn)) < 2 * len(ids), "it was over before the switch"
        shipped = switch(conn, new.transport, patience=20)
        ids += begin(conn, 20)
        if settings.transport == "kafka":
            assert shipped > 0
            assert relay.wait(30) == 1  # it has found that it is of no more use
        else:
            assert shipped == 0  # the outbox has all
    with (
        process(new, tmp_path / "new-relay.log", "relay"),
        worker_process(new, log),
        worker_process(new, log),
    ):
        require_effects_once(conn, ids)
    assert conn.execute("select count(*) from onceflow.outbox").fetchone() == (0,)
