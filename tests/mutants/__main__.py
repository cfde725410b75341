"""Applies each mutant to a copy of the repository and runs the test that must notice it.

``python -m tests.mutants [NAME …]``; exits 1 where a mutant survives.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from ..servers import Servers, start_servers
from . import ROOT, Mutant, mutants

FAILED = 1
"""Pytest's exit code where a test failed; others (none found, it could not start) prove nothing."""

AT_ONCE = 2
"""Mutants tried side by side: a test waits for its servers about as long as it works."""

PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout=60")
PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout")
"""What our settings and tests need; to look for all that are installed takes longer than a test."""
TOLD = ("--tb=native",)
"""Pytest's own way to tell a failure reads the sources, and fails behind handlers that recurse."""


def main(names: list[str]) -> int:
    """Run the mutants of these names, or all; return the exit code."""
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    survivors: list[Mutant] = []
    with ExitStack() as stack:
        servers = start_servers(stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onceflow-mutants-")))
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(copy_repository(folder / f"{number}"))

        def attempt(mutant: Mutant) -> tuple[bool, str]:
            copy = copies.get()
            try:
                return try_mutant(mutant, copy, servers)
            finally:
                copies.put(copy)

        side_by_side = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        tried = side_by_side.map(attempt, chosen)
        for number, (mutant, (killed, output)) in enumerate(zip(chosen, tried, strict=True), 1):
            said = "killed  " if killed else "SURVIVED"
            print(f"[{number}/{len(chosen)}] {said} {mutant.name}", flush=True)
            if not killed:
                survivors.append(mutant)
                print(f"    guard: {mutant.guard}\n    test:  {mutant.test}\n{output}")
    print(f"{len(chosen) - len(survivors)} killed, {len(survivors)} survived")
    return 1 if survivors or not chosen else 0


def try_mutant(mutant: Mutant, copy: Path, servers: Servers) -> tuple[bool, str]:
    """Apply a mutant to a copy, run its test there and take it back; tell whether it went red."""
    applied = apply(mutant, copy)
    if applied.returncode:
        return False, f"it does not apply: {applied.stderr}"
    env = os.environ | {
        "ONCEFLOW_TEST_DSN": servers.dsn,
        "ONCEFLOW_TEST_KAFKA": servers.kafka,
        "PYTHONPATH": str(copy / "src"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    ran = subprocess.run(
        [*PYTEST, *PLUGINS, *TOLD, mutant.test],
        cwd=copy,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    apply(mutant, copy, "--reverse").check_returncode()
    return ran.returncode == FAILED, ran.stdout[-3000:] + ran.stderr[-1000:]


def copy_repository(copy: Path) -> Path:
    """Copy what git tracks, or would, links as links; return the copy."""
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
    return copy


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
