"""``onceflow start``: input, idempotency keys, and waiting for the end."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ...api.hand_worker import HandWorker
from ...support import wait_until
from .conftest import Onceflow

INPUT = '{"customer": "ALFKI", "total": 1265793.0395}'


@contextmanager
def in_background(act: Callable[[], object]) -> Generator[None]:
    """Do something in a thread while the block runs."""
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def queued(dsn: str) -> str | None:
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "select instance_id from onceflow.tasks where state = 'QUEUED'"
        ).fetchone()
    return str(row[0]) if row else None


def test_an_instance_is_started_with_exact_numbers(
    onceflow: Onceflow, worker: HandWorker, dsn: str
) -> None:
    done = onceflow("start", "order", "--input", INPUT)
    assert done.code == 0
    instance, state = done.out.split()
    assert state == "RUNNING"
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "select input ->> 'total' from onceflow.instances where id = %s", (instance,)
        ).fetchone()
    assert row == ("1265793.0395",)


def test_input_from_a_file(onceflow: Onceflow, worker: HandWorker, tmp_path: Path) -> None:
    place = tmp_path / "input.json"
    place.write_text(INPUT)
    assert onceflow("start", "order", "--input", f"@{place}").code == 0
    place.write_text("{oops")
    done = onceflow("start", "order", "--input", f"@{place}")
    assert done.code == 1
    assert "--input is not JSON" in done.err


@pytest.mark.parametrize(
    "text", ["1e99999999999999999999", "9" * 5_000, "[" * 10_000, "1e"], ids=range(4)
)
def test_input_that_no_reader_takes_is_told(onceflow: Onceflow, text: str) -> None:
    done = onceflow("start", "order", "--input", text)
    assert done.code == 1
    assert done.err.startswith("onceflow start: --input")


def test_input_that_does_not_fit_the_schema_starts_nothing(
    onceflow: Onceflow, worker: HandWorker
) -> None:
    done = onceflow("start", "order", "--input", '{"total": "many"}')
    assert done.code == 1
    assert "customer" in done.err
    assert "/total" in done.err
    assert onceflow("list").out == "no instance matches\n"


def test_text_that_postgres_cannot_keep_is_told(onceflow: Onceflow, worker: HandWorker) -> None:
    done = onceflow("start", "order", "--input", '{"customer": "\\u0000"}')
    assert done.code == 1
    assert done.err.startswith("onceflow start: ")


def test_a_workflow_that_does_not_exist(onceflow: Onceflow, worker: HandWorker) -> None:
    done = onceflow("start", "orders")
    assert done.code == 1
    assert "there is no workflow orders" in done.err
    assert "version 7" in onceflow("start", "order", "--version", "7", "--input", INPUT).err


def test_a_key_starts_one_instance(onceflow: Onceflow, worker: HandWorker) -> None:
    first = onceflow("start", "order", "--input", INPUT, "--key", "k", "--json").json
    again = onceflow("start", "order", "--input", INPUT, "--key", "k", "--json").json
    assert (first["outcome"], again["outcome"]) == ("started", "exists")
    assert first["id"] == again["id"]
    other = onceflow("start", "order", "--input", '{"customer": "ANTON"}', "--key", "k")
    assert other.code == 1
    assert f"belongs to instance {first['id']}" in other.err


def test_wait_ends_with_the_output(onceflow: Onceflow, worker: HandWorker, dsn: str) -> None:
    def work() -> None:
        instance = wait_until(lambda: queued(dsn), "a queued task")
        worker.complete(instance, {})
        worker.complete(instance, {"receipt": 7})

    with in_background(work):
        done = onceflow("start", "order", "--input", INPUT, "--wait")
    assert done.code == 0
    assert "SUCCEEDED in" in done.out
    assert '"receipt": 7' in done.out


def test_wait_exits_1_where_it_did_not_succeed(
    onceflow: Onceflow, worker: HandWorker, dsn: str
) -> None:
    def work() -> None:
        worker.fail(wait_until(lambda: queued(dsn), "a queued task"), "shop.closed")

    with in_background(work):
        done = onceflow("start", "order", "--input", INPUT, "--wait", "--json")
    assert done.code == 1
    assert done.json["status"] == "COMPENSATED"


def test_wait_tells_of_a_suspension_and_of_its_own_end(
    onceflow: Onceflow, worker: HandWorker, dsn: str
) -> None:
    def work() -> None:
        instance = wait_until(lambda: queued(dsn), "a queued task")
        worker.complete(instance, {})
        worker.fail(instance, "card.refused")

    with in_background(work):
        done = onceflow("start", "order", "--input", INPUT, "--wait", "2")
    assert done.code == 1
    assert "an open dead letter since" in done.err
    assert "RUNNING, not ended after 2 s" in done.out


@pytest.mark.parametrize(
    "arguments", [(), ("order", "--wait", "soon"), ("order", "--version", "0")]
)
def test_wrong_usage(onceflow: Onceflow, arguments: tuple[str, ...]) -> None:
    assert onceflow("start", *arguments).code == 2


def test_a_start_at_a_later_time(onceflow: Onceflow, worker: HandWorker) -> None:
    given = ("start", "order", "--input", '{"customer": "x"}', "--start-at")
    instance = onceflow(*given, "2099-01-31T08:00+01:00")
    assert instance.code == 1
    assert "ten years from now is the latest" in instance.err
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    started = onceflow(*given, at, "--json").json
    told = onceflow("explain", started["id"]).out
    assert "starts at 2" in told
    assert "starts 2" in onceflow("list").out
    naive = onceflow(*given, "2026-01-31T08:00")
    assert naive.code == 2
    assert (
        "2026-01-31T08:00:00 has no offset from UTC; write 2026-01-31T08:00:00+01:00" in naive.err
    )
    assert "2026-01-31T08:00:00Z for UTC" in naive.err
