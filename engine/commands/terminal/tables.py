"""Tables as wide as there is room: what does not fit beside goes below, and stays whole."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

INDENT: Final = 2
GAP: Final = 2

Cell = str | Text


def table_for(
    console: Console, columns: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> RenderableType:
    """Return rows under headings, each on one line where all of them fit.

    Else the columns that do not fit stand on a line of their own below each row.
    """
    texts = [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    heads = [Text(column, style="bold") for column in columns]
    widths = [max(cell.cell_len for cell in column) for column in zip(heads, *texts, strict=True)]
    beside = _fitting(widths, console.width)
    if beside == len(columns):
        return _grid([heads, *texts], beside)
    lines: list[RenderableType] = []
    # One grid for all that stands beside, so that it is in columns; what is below comes between.
    for row in (heads, *texts):
        lines.append(_line(row[:beside], widths))
        rest = Text("  ").join(cell for cell in row[beside:] if cell.cell_len)
        if rest.cell_len:
            lines.append(Padding(rest, (0, 0, 0, INDENT)))
    return Group(*lines)


def _fitting(widths: Sequence[int], room: int) -> int:
    """Return how many columns fit beside each other: one at least."""
    taken = 0
    for n, width in enumerate(widths):
        taken += width + (GAP if n else 0)
        if taken > room:
            return max(n, 1)
    return len(widths)


def _grid(rows: Sequence[Sequence[Text]], columns: int) -> Table:
    grid = Table.grid(padding=(0, GAP, 0, 0))
    for _ in range(columns):
        grid.add_column(no_wrap=True)
    for row in rows:
        grid.add_row(*row)
    return grid


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for n, cell in enumerate(cells):
        line.append_text(cell)
        if n < len(cells) - 1:
            line.append(" " * (widths[n] - cell.cell_len + GAP))
    return line
