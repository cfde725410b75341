"""Any definition, any script: what always holds of the interpreter."""

import pytest
from hypothesis import given, settings

from .cases.coverage import Coverage
from .cases.effort import TIMES, UNBOUNDED
from .cases.invariants import check, frozen
from .cases.scripts import Call, apply, choose, next_of
from .cases.strategies import INPUT, Document, definitions, scripts
from .interpreter import Machine

ENDS = ("SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED")


@pytest.mark.timeout(120 * TIMES)
@settings(
    max_examples=60 * TIMES,
    derandomize=TIMES == 1,
    suppress_health_check=UNBOUNDED,
)
@given(document=definitions(), script=scripts())
def test_every_instance_comes_to_its_end_and_keeps_its_invariants(
    own_coverage: Coverage, document: Document, script: list[Call]
) -> None:
    own_coverage.made = 0
    machine = Machine(document)
    machine.start(INPUT)
    check(machine)
    for call in script:
        if machine.end().state in ENDS:
            break
        for action in choose(machine, call):
            before = frozen(machine)
            own_coverage.note_call(machine, action)
            apply(machine, action)
            check(machine)
            assert before.items() <= frozen(machine).items(), "an ended row never changes"
    # Once everything is answered, and dead letters are given up, it ends.
    for _ in range(400):
        if machine.end().state in ENDS:
            return own_coverage.note_end(machine)
        own_coverage.note_call(machine, next_of(machine))
        apply(machine, next_of(machine))
        check(machine)
    raise AssertionError(f"it does not end: {machine.rows()}")
