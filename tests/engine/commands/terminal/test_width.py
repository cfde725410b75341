"""Lists stay readable at 80 columns."""

import io

from rich.console import Console

from onceflow.engine.commands.terminal.tables import table_for

from ....api.hand_worker import HandWorker
from ..conftest import Onceflow
from .terminal import at_terminal


def drawn(width: int, columns: list[str], *rows: list[str]) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width)
    console.print(table_for(console, columns, rows))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_list_at_80_columns_tears_no_word_apart(
    onceflow: Onceflow, worker: HandWorker, order: str
) -> None:
    worker.complete(order, {})
    worker.fail(order, "card.refused", message="the card was refused by the bank " * 3)
    for command in (["list"], ["dead-letters", "list"]):
        shown = at_terminal(*command, columns=80)
        assert shown.code == 0
        assert max(map(len, shown.lines)) <= 80
        heads, row = shown.lines[0], next(line for line in shown.lines if order in line)
        assert heads.split()[0] in ("ID", "INSTANCE/TASK")
        assert "order v1" in row
        words = set(shown.text.split())
        assert {order, "RUNNING"} <= words or {f"{order}/pay", "yes"} <= words
        assert heads.index("WORKFLOW") == row.index("order v1")
    wide = at_terminal("list", columns=200)
    assert len(wide.lines) == 2


def test_what_fits_stands_beside_and_what_does_not_below() -> None:
    columns, row = ["ID", "STATE", "NOTE"], ["a" * 10, "RUNNING", "a long remark"]
    assert drawn(40, columns, row) == [
        "ID          STATE    NOTE",
        "aaaaaaaaaa  RUNNING  a long remark",
    ]
    assert drawn(22, columns, row) == [
        "ID          STATE",
        "  NOTE",
        "aaaaaaaaaa  RUNNING",
        "  a long remark",
    ]
    assert drawn(10, columns, row) == [
        "ID",
        "  STATE",
        "  NOTE",
        "aaaaaaaaaa",
        "  RUNNING",
        "  a long",
        "  remark",
    ]
