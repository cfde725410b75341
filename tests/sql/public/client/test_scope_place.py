"""scope_place"""

from ....blocks import PAGES, begin_batch
from ...play import Play
from .test_block_output import begin


def test_a_scope_is_named_by_the_blocks_around_it(play: Play) -> None:
    batch = begin_batch(play.conn)
    place = "select onceflow.scope_place(%s, %s)"
    assert play.value(place, batch, 4) == "invoices[3]"
    assert play.value(place, batch, PAGES) == "invoices[6]/pages[0]"
    assert play.value(place, batch, 0) is None  # the instance itself
    assert play.value(place, batch, 99) is None


def test_branches_go_by_their_names_and_groups_by_their_own(play: Play) -> None:
    branches = {"left": [{"id": "l", "task": "work"}], "right": [{"id": "r", "task": "work"}]}
    instance = begin(play, {"id": "all", "steps": [{"id": "both", "parallel": branches}]})
    paths = play.rows("select path from onceflow.tasks where instance_id = %s", instance)
    assert sorted(path for (path,) in paths) == [
        *("all", "all/both", "all/both[left]/l", "all/both[right]/r"),
    ]
