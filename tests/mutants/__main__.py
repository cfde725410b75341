"""Applies each mutant to a copy of the repository and runs the test that must notice it.

``python -m tests.mutants [NAME …]``; exits 1 where a mutant survives.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ..servers import start_servers
from . import ROOT, Mutant, mutants

FAILED = 1
"""Pytest's exit code where a test failed; others (none found, it could not start) prove nothing."""


def main(names: list[str]) -> int:
    """Run the mutants of these names, or all; return the exit code."""
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    survivors: list[Mutant] = []
    with ExitStack() as stack:
        servers = start_servers(stack)
        env = os.environ | {
            "ONCEFLOW_TEST_DSN": servers.dsn,
            "ONCEFLOW_TEST_KAFKA": servers.kafka,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for number, mutant in enumerate(chosen, 1):
            killed, output = _try(mutant, env)
            print(f"[{number}/{len(chosen)}] {'killed  ' if killed else 'SURVIVED'} {mutant.name}")
            if not killed:
                survivors.append(mutant)
                print(f"    guard: {mutant.guard}\n    test:  {mutant.test}\n{output}")
    print(f"{len(chosen) - len(survivors)} killed, {len(survivors)} survived")
    return 1 if survivors or not chosen else 0


def _try(mutant: Mutant, env: dict[str, str]) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory(prefix="onceflow-mutant-") as name:
        copy = Path(name) / "repository"
        copy_repository(copy)
        applied = apply(mutant, copy)
        if applied.returncode:
            return False, f"it does not apply: {applied.stderr}"
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutant.test],
            cwd=copy,
            env=env | {"PYTHONPATH": str(copy / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode == FAILED, ran.stdout[-3000:] + ran.stderr[-1000:]


def copy_repository(copy: Path) -> None:
    """Copy what git tracks, or would, links as links."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and (source.is_symlink() or source.is_file()):
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def apply(mutant: Mutant, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Apply a mutant's patch to the repository in a folder."""
    return subprocess.run(
        ["git", "apply", *options, str(mutant.path)],
        cwd=folder,
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
