"""How the demo shows itself: a progress bar in a terminal, plain lines anywhere else."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .world import Check

LINE_EVERY = 1.0
"""Seconds between two lines of counts, where there is no bar."""


class Show:
    """Where the demo says what happens. ``quiet`` says nothing at all (for ``--json``)."""

    def __init__(self, quiet: bool = False) -> None:
        # Where nobody looks at a screen a line stays a line, however long.
        self._console = Console(quiet=quiet, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print one line, above the progress bar where there is one."""
        self._console.print(escape(text))

    def counting(self, total: int) -> "_Counting":
        """Return a context in which ``count`` shows how far ``total`` instances are."""
        return _Counting(self._console, total)

    def summary(self, checks: Sequence[Check], seconds: float, folder: Path) -> None:
        """Print the summary: each statement, and under it what speaks against it."""
        for check in checks:
            mark = "[red]✗[/red]" if check.faults else "[green]✓[/green]"
            self._console.print(f"{mark} {escape(check.statement)}")
            for fault in check.faults:
                self._console.print(f"    [red]{escape(fault)}[/red]")
        failed = sum(bool(check.faults) for check in checks)
        if failed:
            self.say(f"{failed} of {len(checks)} checks failed, after {seconds} s")
        else:
            self.say(
                f"all as it ought to be, after {seconds} s; see {folder}/mail and {folder}/pdf"
            )


class _Counting:
    """The counts by state, drawn anew in a terminal, or a line where they changed."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._last = ""
        self._next = 0.0
        self._bar: Progress | None = None
        if console.is_terminal and not console.quiet:
            self._bar = Progress(
                TextColumn("instances"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
                console=console,
            )
            self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def count(self, instances: Iterable[Mapping[str, Any]]) -> None:
        """Show how many instances have ended, and how many are in each state."""
        states = Counter[str]()
        ended = 0
        for instance in instances:
            ended += instance["ended_at"] is not None
            states["suspended" if _waits(instance) else instance["status"].lower()] += 1
        text = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        if self._bar:
            self._bar.update(self._task, completed=ended, description=text)
        elif text != self._last and (time.monotonic() >= self._next or ended == self._total):
            self._console.print(f"{ended} of {self._total} ended: {text}")
            self._last = text
            self._next = time.monotonic() + LINE_EVERY


def _waits(instance: Mapping[str, Any]) -> bool:
    return instance["suspended_at"] is not None and instance["ended_at"] is None
