"""Lines of blocks and of their scopes: how many are in which state, and what each of them is."""

from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from ... import json_text
from ..database import Row
from ..output import clock_text, error_text, one_line
from ..terminal.console import state_text

STATES: Final = (
    *("FAILED", "CLOSING", "COMPENSATING", "OPEN", "WAITING", "CANCELLED", "SUCCEEDED"),
)
"""Those that need a person first."""
_CALLED: Final = {
    "for_each": ("item", "items"),
    "repeat": ("round", "rounds"),
    "try": ("attempt", "attempts and catches"),
}
"""What the scopes of a kind of block are."""
BRIEF: Final = 60
"""Letters of an item that stand on the line of its scope."""


def add_counts(branch: Tree, task: Row) -> None:
    """Add the line that counts the scopes of a block, unless it has but one list to run."""
    block: dict[str, Any] = task["block"]
    if block["fails"]:
        waits = {"closing": "for what still runs in it", "undoing": "until it is undone"}
        branch.add(Text(f"has failed, and waits {waits[block['fails']]}", style="red"))
    if task["kind"] in ("steps", "switch"):
        if block["timeout_at"]:
            branch.add(Text(f"times out {clock_text(block['timeout_at'])}", style="bright_black"))
        return
    line = Text(f"{block['total']:,} {_called(task['kind'], block['total'])}")
    for n, state in enumerate(state for state in STATES if block["by_state"].get(state)):
        line.append(": " if n == 0 else ", ")
        line.append_text(state_text(state, f"{block['by_state'][state]:,} {state.lower()}"))
    for note in _notes(block):
        line.append(f"; {note}", style="bright_black")
    branch.add(line)


def scope_line(scope: Row, *, whole_path: bool = False) -> Text:
    """Return the line of a scope: which it is, its state, its item, why it failed."""
    path: str = scope["path"]
    name = path if whole_path else path.rpartition("/")[2]
    parts = [Text(name), state_text(scope["state"])]
    if scope["ends_as"]:
        parts.append(Text(f"to end as {scope['ends_as'].lower()}", style="yellow"))
    if scope["undone"]:
        parts.append(Text("undone", style="magenta"))
    if scope["dead_letter"]:
        parts.append(Text("has an open dead letter", style="bold red"))
    if scope["item"] is not None:
        text = one_line(json_text.encode(scope["item"]))
        brief = text if len(text) <= BRIEF else f"{text[: BRIEF - 1]}…"
        parts.append(Text(brief, style="bright_black"))
    parts.append(Text(f"(scope {scope['scope']})", style="bright_black"))
    if scope["error"]:
        parts.append(Text(error_text(scope["error"]), style="red"))
    return Text("  ").join(parts)


def _notes(block: dict[str, Any]) -> list[str]:
    notes: list[str] = []
    if block["percent"] is not None:
        notes.append(f"{block['percent']:g} % may fail")
    elif block["tolerate"]:
        notes.append(f"{block['tolerate']:,} may fail")
    if block["needed"]:
        notes.append(f"{block['needed']:,} to succeed")
    if block["max_parallel"] and block["max_parallel"] < block["total"]:
        notes.append(f"{block['max_parallel']:,} at a time")
    if block["caught"]:
        notes.append(f"caught {block['caught']}")
    if block["resume_at"]:
        notes.append(f"the next begins {clock_text(block['resume_at'])}")
    if block["timeout_at"]:
        notes.append(f"times out {clock_text(block['timeout_at'])}")
    return notes


def _called(kind: str, count: int) -> str:
    one, many = _CALLED.get(kind, ("branch", "branches"))
    return one if count == 1 else many
