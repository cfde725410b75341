"""Any definition, any script: what always holds of the interpreter."""

import pytest

from .cases.actions import Action, apply
from .cases.case import Case, CaseFailed, play, seeds
from .cases.coverage import Coverage
from .cases.drawn import input_of
from .cases.effort import TIMES
from .cases.invariants import check, frozen
from .cases.search import search
from .family import Family
from .model import BEGAN


def run(case: Case, coverage: Coverage) -> None:
    """Play a case, and hold the family against its invariants after every call."""
    family = Family(case.document, *case.children)
    family.start(input_of(BEGAN))
    made: list[Action] = []

    def make(action: Action) -> None:
        made.append(action)
        before = frozen(family)
        coverage.note_call(family, action)
        apply(family, action)
        check(family)
        assert before.items() <= frozen(family).items(), "an ended row never changes"

    try:
        check(family)
        play(case, family, make)
    except Exception as error:
        raise CaseFailed(case, made, error) from error
    coverage.note_end(family)


@pytest.mark.timeout(120 * TIMES)
def test_every_instance_comes_to_its_end_and_keeps_its_invariants(
    own_coverage: Coverage, seed: int
) -> None:
    found = list(search(seeds(seed, 60 * TIMES), lambda case: run(case, own_coverage)))
    assert not found, "\n\n".join(found)
