"""Mutants: small patches, each of which breaks one guard of the protocol.

A patch begins with what it breaks and the test that must notice::

    guard: a claim changes QUEUED rows only
    test: tests/sql/public/worker/test_claim_tasks.py::test_a_duplicate_message_claims_nothing

``python -m tests.mutants`` (make mutants) applies them one at a time to a copy of the repository,
and fails where a test stays green.
"""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A patch; ``guard`` is what it breaks, ``test`` the id of the test that must fail then."""

    name: str
    guard: str
    test: str
    path: Path


def mutants() -> list[Mutant]:
    """Return all mutants by name.

    Raises ValueError for a patch that does not begin with its guard and its test.
    """
    return [_read(path) for path in sorted(FOLDER.glob("*.patch"))]


def _read(path: Path) -> Mutant:
    header = path.read_text(encoding="utf-8").partition("\n---")[0].splitlines()
    said = dict(line.split(": ", 1) for line in header if ": " in line)
    if said.keys() < {"guard", "test"}:
        raise ValueError(f"{path.name} must begin with a line 'guard: …' and a line 'test: …'")
    return Mutant(path.stem, said["guard"], said["test"], path)
