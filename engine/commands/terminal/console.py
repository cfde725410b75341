"""How commands print tables and colours: apart from other printing, for rich takes its time."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from .tables import table_for

COLOURS = {
    "SUCCEEDED": "green",
    "RUNNING": "cyan",
    "OPEN": "cyan",
    "QUEUED": "blue",
    "READY": "blue",
    "WAITING": "bright_black",
    "SKIPPED": "bright_black",
    "RETRYING": "yellow",
    "CLOSING": "yellow",
    "COMPENSATING": "yellow",
    "COMPENSATED": "magenta",
    "CANCELLED": "magenta",
    "FAILED": "red",
    "DEAD_LETTER": "bold red",
}


def open_console() -> Console:
    """Return a console on stdout; where that is no terminal, no line is cut or wrapped."""
    return Console(
        file=sys.stdout,
        width=None if sys.stdout.isatty() else 100_000,
        highlight=False,
        soft_wrap=not sys.stdout.isatty(),
    )


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print rows under headings, within the width of a terminal."""
    console = open_console()
    console.print(table_for(console, columns, rows))


def state_text(state: str, said: str | None = None) -> Text:
    """Return a state, or what is said of it, in its colour."""
    return Text(state if said is None else said, style=COLOURS.get(state, ""))
