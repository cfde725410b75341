"""A relay where there is no broker: it turns the clock, and knows nothing of Kafka."""

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from onceflow.engine.settings import Settings

from ..support import wait_until
from ..transports import use
from .support import Conn, backlog, relay_processes, start


@pytest.fixture
def settings(conn: Conn, settings: Settings) -> Settings:
    """Settings of a deployment without a broker."""
    use(conn, "postgres")
    return replace(settings, transport="postgres", kafka="")


def test_it_turns_the_clock_and_ships_nothing(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    start(conn, 3)
    with relay_processes(settings, tmp_path) as (relay,):
        ticked = "select 1 from onceflow.clock where last_tick_at is not null"
        wait_until(lambda: conn.execute(ticked).fetchone(), "a tick", 60)
        heartbeat = conn.execute("select turns, turned_by from onceflow.heartbeat").fetchone()
        assert heartbeat == (True, f"relay {socket.gethostname()}:{relay.process.pid}")
        assert backlog(conn) == 3
        assert relay.stop() == 0
        assert "Kafka" not in relay.said


@pytest.mark.parametrize("part", ["relay", "worker"])
def test_without_kafka_no_client_of_it_is_imported(part: str) -> None:
    program = (
        f"import sys, onceflow.{part}.command, onceflow.worker.delivery.postgres;"
        "sys.exit('confluent_kafka' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-P", "-c", program], check=False).returncode == 0


# guarantee: transport-unasked
def test_one_of_another_transport_says_what_to_type_and_ends(
    conn: Conn, settings: Settings, kafka: str, tmp_path: Path
) -> None:
    start(conn, 1)
    other = replace(settings, transport="kafka", kafka=kafka)
    with relay_processes(other, tmp_path) as (relay,):
        assert relay.wait() == 1
    assert "is postgres, and not kafka" in relay.said
    assert "onceflow transport kafka" in relay.said
    assert "Traceback" not in relay.said
    assert backlog(conn) == 1


# guarantee: transport-mixed
def test_one_whose_transport_is_switched_under_it_ends(
    conn: Conn, settings: Settings, kafka: str, tmp_path: Path
) -> None:
    use(conn, "kafka")
    with relay_processes(replace(settings, transport="kafka", kafka=kafka), tmp_path) as (relay,):
        relay.wait_for("shipping to Kafka")
        use(conn, "postgres")
        start(conn, 1)
        assert relay.wait() == 1
    assert "is postgres, and not kafka" in relay.said
    assert "Traceback" not in relay.said
    assert backlog(conn) == 1
