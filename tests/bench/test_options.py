"""The command line of the benchmark."""

from bench.__main__ import options_of, parser
from bench.options import QUICK
from bench.peers.runner import MODES
from bench.scenarios import SCENARIOS
from bench.workflows import fan_out, retrying, sequence, slow
from onceflow.engine.definition import compile_definition


def test_quick_is_small_and_without_peers() -> None:
    assert options_of(parser().parse_args(["--quick"])) == QUICK
    assert QUICK.peers == ()


def test_what_is_given_goes_before_the_default() -> None:
    given = options_of(parser().parse_args(["--in-flight", "1,8", "--runs", "5", "--peers", ""]))
    assert (given.in_flight, given.runs, given.peers) == ((1, 8), 5, ())


def test_every_peer_is_run_unless_others_are_named() -> None:
    assert options_of(parser().parse_args([])).peers == tuple(MODES)


def test_every_scenario_says_what_it_is() -> None:
    assert list(SCENARIOS) == list("abcdefghijklmnopq")
    assert all(scenario.TITLE for scenario in SCENARIOS.values())


def test_every_workflow_of_the_load_can_work() -> None:
    for work in (sequence(1), sequence(4), fan_out(100), retrying(), slow(0.02)):
        steps = compile_definition(work.definition)["steps"]
        assert len(steps) == work.steps
