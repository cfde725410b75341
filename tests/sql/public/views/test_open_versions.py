"""open_versions"""

from onceflow.engine import calls

from ...play import Play
from ...workflows import sequence


def test_versions_are_counted_by_what_has_not_ended(play: Play) -> None:
    first = play.begin(sequence("a"))
    play.start("flow")
    second = play.begin(sequence("a", "b"))
    play.begin(sequence("a", name="other"))

    def found() -> list[tuple[str, int, int]]:
        return play.rows(
            "select workflow, version, instances from onceflow.open_versions order by 1, 2"
        )

    assert found() == [("flow", 1, 2), ("flow", 2, 1), ("other", 1, 1)]
    play.complete(first, "a")
    calls.suspend_instances(play.conn, [second])
    assert found() == [("flow", 1, 1), ("flow", 2, 1), ("other", 1, 1)]
    calls.cancel_instances(play.conn, [second])
    assert found() == [("flow", 1, 1), ("other", 1, 1)]
