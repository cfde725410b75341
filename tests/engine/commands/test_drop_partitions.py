"""``onceflow drop-partitions``: retention, and what it says where it cannot have the locks."""

from datetime import UTC, datetime

from ...conftest import Connect
from ...sql.aged import make_week
from .conftest import Onceflow

TABLES = ("instance", "task", "block", "scope", "wait", "delivery", "child", "task_log")
OLD = datetime(2025, 3, 5, tzinfo=UTC)


def test_weeks_of_long_ago_are_dropped_and_named(onceflow: Onceflow, connect: Connect) -> None:
    suffix = make_week(connect(), OLD)
    done = onceflow("drop-partitions", "90")
    tables = ", ".join(f"{name}{suffix}" for name in TABLES)
    assert (done.code, done.out) == (0, f"dropped {tables}\n1 weeks were dropped\n")
    assert onceflow("drop-partitions", "90").out == "0 weeks were dropped\n"


def test_behind_a_long_transaction_it_gives_up_and_names_it(
    onceflow: Onceflow, connect: Connect
) -> None:
    make_week(connect(), OLD)
    with connect().transaction() as holder:
        holder.connection.execute("select from onceflow.task")
        refused = onceflow("drop-partitions", "90", "--wait", "0.2")
    assert refused.code == 1
    assert f"process {holder.connection.info.backend_pid}" in refused.err
    assert "within 0.2 s" in refused.err
    assert onceflow("drop-partitions", "90").code == 0
