"""What differs between versions: for people in lines of + and -, for scripts as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

from rich.text import Text

from ... import json_text
from ...calls.base import Connection
from ...calls.reads import find_version, json_rows, list_step_order
from ...definition import Checked
from ...definition.differences import Change, differences
from ...json_text import Json
from ...redact import masked
from ..output import one_line

LONGEST: Final = 200
"""Characters of a value that are shown."""
_COLOURS: Final = {"+": "green", "-": "red", "~": "yellow"}


class Deployed(NamedTuple):
    """A version that is in the database; ``order`` are its steps as they were written."""

    version: int
    definition: Any
    order: list[str]


class Comparison(NamedTuple):
    """What turns the version that is deployed, if any, into a definition."""

    name: str
    version: int | None
    changes: list[Change]

    @property
    def differs(self) -> bool:
        """Whether deploying it makes a version."""
        return self.version is None or bool(self.changes)


def read_deployed(conn: Connection, name: str, version: int | None = None) -> Deployed | None:
    """Return a version of a workflow, the latest unless given; None where there is none."""
    rows = json_rows(conn, find_version("version, version_id, definition", name, version))
    if not rows:
        return None
    order = [row["step"] for row in json_rows(conn, list_step_order(rows[0]["version_id"]))]
    return Deployed(rows[0]["version"], rows[0]["definition"], order)


def compare(conn: Connection, checked: Checked) -> Comparison:
    """Hold a definition against the version that is deployed."""
    name = checked.workflow.name
    deployed = read_deployed(conn, name)
    if deployed is None:
        return Comparison(name, None, [])
    changes = differences(deployed.definition, checked.document.value, deployed.order)
    return Comparison(name, deployed.version, changes)


def change_lines(changes: Sequence[Change]) -> Iterator[Text]:
    """Yield what has changed: a line for each step, and those of its keys below it."""
    shown: str | None = None
    for change in changes:
        name = f"step {change.step}" if change.step else "the workflow"
        if change.key == "":
            mark = "+" if change.what == "added" else "-"
            yield _line(f"  {mark} {name}", mark)
            keys = cast(dict[str, Json], change.new or change.old or {})
            for key, value in keys.items():
                yield _line(f"    {mark} {key}: {_shown(value)}", mark)
            continue
        if shown != change.step:
            yield _line(f"  ~ {name}", "~")
            shown = change.step
        if change.what == "moved":
            yield _line(f"    ~ {_moved(change)}", "~")
            continue
        if change.what != "added":
            yield _line(f"    - {change.key}: {_shown(change.old)}", "-")
        if change.what != "removed":
            yield _line(f"    + {change.key}: {_shown(change.new)}", "+")


def described(changes: Sequence[Change]) -> list[Json]:
    """Return changes for scripts."""
    return [{**change._asdict(), "step": change.step or None} for change in changes]


def _moved(change: Change) -> str:
    if change.key == "branches":
        return f"its branches in another order: {', '.join(change.new)}"
    if change.key == "in":
        return f"moved from {change.old or 'the top'} to {change.new or 'the top'}"
    return f"moved behind {change.new}" if change.new else "moved to the beginning of its list"


def _shown(value: Json) -> str:
    text = one_line(masked(value if isinstance(value, str) else json_text.encode(value)))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _line(text: str, mark: str) -> Text:
    return Text(text, style=_COLOURS[mark])
