"""The tables at the end of a run."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from .compare import compare
from .results import Result

Row = tuple[str, str, Mapping[str, float]]

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


def print_table(console: Console, title: str, rows: Sequence[Row]) -> None:
    """Print rows (who, load, figures) with all figures that any of them has.

    What is too wide for the console goes on in another table, with who and load once more.
    """
    columns = list(dict.fromkeys(name for _, _, figures in rows for name in figures))
    while True:
        count = max(len(columns), 1)
        while count > 1 and _width(console, _table(title, rows, columns[:count])) > console.width:
            count -= 1
        console.print(_table(title, rows, columns[:count]))
        columns = columns[count:]
        if not columns:
            return
        title = ""


def _width(console: Console, table: Table) -> int:
    options = console.options.update(max_width=10_000)
    return Measurement.get(console, options, table).maximum


def _table(title: str, rows: Sequence[Row], columns: Sequence[str]) -> Table:
    made = Table(title=title or None, title_justify="left", title_style="bold")
    made.add_column("who")
    made.add_column("load")
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
        print_table(console, title, [(r.who, r.load, r.figures) for r in rows])
        costs = [(r.who, r.load, r.per_step) for r in rows if r.per_step]
        if costs:
            print_table(console, f"({scenario}) per step", costs)
        ratios = [(r.who, f"against {r.against}", r.figures) for r in compare(rows) if r.figures]
        if scenario == REFERENCE and ratios:
            print_table(console, f"({scenario}) beside others", ratios)
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
