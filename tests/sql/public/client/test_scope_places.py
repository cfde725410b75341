"""scope_places"""

from ....blocks import PAGES, begin_batch
from ...play import Play


def test_scopes_of_one_instance_are_named_in_one_call(play: Play) -> None:
    batch = begin_batch(play.conn)
    rows = play.rows("select * from onceflow.scope_places(%s, %s)", batch, [4, PAGES, 0, 99, 4])
    assert sorted(rows) == [(4, "invoices[3]"), (PAGES, "invoices[6]/pages[0]")]
