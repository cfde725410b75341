"""What passing edges reads: those of the tasks that have ended."""

import pytest

from ...play import Connection, Play, rows_read
from ...workflows import fan

WIDTH = 500


@pytest.mark.parametrize("ended", [1, 20])
def test_it_reads_the_edges_of_what_has_ended(conn: Connection, ended: int) -> None:
    conn.execute("alter table onceflow.edge set (autovacuum_enabled = false)")
    play = Play(conn)
    instance = play.begin(fan(WIDTH))
    for turn in range(2):
        names = [f"s{turn * ended + place:04}" for place in range(ended)]
        grants = [play.take(instance, name) for name in names]
        with play.conn.transaction():
            before = rows_read(conn, "^edge$")
            play.worker.complete(*grants)
            read = rows_read(conn, "^edge$") - before
        assert ended <= read <= 3 * ended
