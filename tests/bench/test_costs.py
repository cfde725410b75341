"""What a load costs, as differences of two readings."""

from bench.costs import Counts, Marks, counted, per, spent


def test_a_part_without_an_account_is_left_out() -> None:
    before = Marks(10, 1000, {"postgres": 1.0, "broker": None})
    after = Marks(30, 5000, {"postgres": 1.5, "broker": None})
    assert spent(before, after) == {"xids": 20, "WAL bytes": 4000, "CPU s postgres": 0.5}


def test_a_part_that_was_started_in_between_has_used_all_of_its_own() -> None:
    before, after = Marks(10, 1000, {}), Marks(10, 1000, {"relay": 2.0})
    assert spent(before, after)["CPU s relay"] == 2.0


def test_dead_rows_are_those_left_at_the_end() -> None:
    found = counted(Counts(1, 2, 3, 4, 5, 6), Counts(11, 22, 33, 44, 55, 66))
    assert found["commits"] == 10
    assert found["of these HOT"] == 40
    assert found["dead rows"] == 66


def test_the_cost_of_a_step_has_its_cpu_in_microseconds() -> None:
    assert per({"xids": 8.0, "CPU s relay": 2.0}, 4) == {"xids": 2, "CPU µs relay": 500_000}
