"""No function decides for its caller how durable a commit is."""

from pathlib import Path

import onceflow.sql

from ..play import Play
from ..workflows import sequence


def test_what_a_transaction_of_calls_commits_waits_for_the_disk(play: Play) -> None:
    instance = play.begin(sequence("a"))
    with play.conn.transaction():
        before = play.value("show synchronous_commit")
        play.complete(instance, "a")
        assert play.value("show synchronous_commit") == before == "on"


def test_no_function_or_table_speaks_of_it() -> None:
    folder = Path(onceflow.sql.__file__).parent
    paths = [*folder.rglob("*.sql")]
    assert paths
    assert [p.name for p in paths if "synchronous_commit" in p.read_text(encoding="utf-8")] == []
