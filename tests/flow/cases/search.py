"""Many cases are tried; what fails is made small, and told once for all that looks alike."""

from collections.abc import Callable, Iterable, Iterator

from onceflow.engine.errors import DefinitionError

from .case import Case, CaseFailed, draw
from .shrinking import shrink

MOST_TOLD = 5
"""Failures that look different, after which a search ends."""


def search(
    numbers: Iterable[int],
    run: Callable[[Case], None],
    drawn: Callable[[int], Case] = draw,
    seconds: float = 60,
) -> Iterator[str]:
    """Run the cases of these numbers; yield what failed, each made smaller for ``seconds``."""
    found: set[str] = set()

    def failure(case: Case) -> CaseFailed | None:
        try:
            run(case)
        except CaseFailed as failed:
            return failed
        return None

    def like(failed: CaseFailed) -> Callable[[Case], bool]:
        def fails(case: Case) -> bool:
            try:
                again = failure(case)
            except DefinitionError:
                return False
            return again is not None and again.about == failed.about

        return fails

    for number in numbers:
        case = drawn(number)
        failed = failure(case)
        if failed is None or failed.about in found:
            continue
        found.add(failed.about)
        smallest = failure(shrink(case, like(failed), seconds)) or failed
        yield f"case {number}: {smallest}"
        if len(found) == MOST_TOLD:
            return
