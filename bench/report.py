"""The tables at the end of a run."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from .compare import compare
from .results import Result

REFERENCE = "a"
"""The scenario that the peers run too."""


def number(value: float) -> str:
    """Return a figure with three digits that mean something."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def table(title: str, rows: Sequence[tuple[str, str, Mapping[str, float]]]) -> Table:
    """Return a table of rows (who, load, figures); its columns are all figures that any row has."""
    made = Table(title=title, title_justify="left", title_style="bold")
    made.add_column("who")
    made.add_column("load")
    columns = list(dict.fromkeys(name for _, _, figures in rows for name in figures))
    for name in columns:
        made.add_column(name, justify="right")
    for who, load, figures in rows:
        cells = [number(figures[name]) if name in figures else "" for name in columns]
        made.add_row(who, load, *cells)
    return made


def show(
    console: Console,
    about: Mapping[str, object],
    results: Sequence[Result],
    titles: Mapping[str, str],
) -> None:
    """Print what was measured, on what, and what a step of it cost."""
    for name, value in about.items():
        console.print(f"[dim]{name}:[/dim] {value}", highlight=False)
    for scenario in dict.fromkeys(result.scenario for result in results):
        rows = [result for result in results if result.scenario == scenario]
        title = f"({scenario}) {titles.get(scenario, '')}"
        console.print(table(title, [(r.who, r.load, r.figures) for r in rows]))
        costs = [(r.who, r.load, r.per_step) for r in rows if r.per_step]
        if costs:
            console.print(table(f"({scenario}) per step", costs))
        ratios = [(r.who, f"against {r.against}", r.figures) for r in compare(rows) if r.figures]
        if scenario == REFERENCE and ratios:
            console.print(table(f"({scenario}) beside others", ratios))
        for line in _notes(rows):
            console.print(f"  {line}", highlight=False)


def _notes(results: Iterable[Result]) -> list[str]:
    lines: list[str] = []
    for result in results:
        where = f"{result.who}, {result.load}"
        counters = ", ".join(f"{name} {value:,.0f}" for name, value in result.counters.items())
        lines += [f"{where}: {counters}"] if counters else []
        lines += [f"{where}: {note}" for note in result.notes]
    return lines
