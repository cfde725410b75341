"""Draws an instance as a tree: its steps in the order written, with attempts, errors, scopes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text
from rich.tree import Tree

from ... import json_text
from ..database import Row
from ..output import (
    clock_text,
    error_text,
    labels_text,
    one_line,
    seconds_text,
    span_text,
    suspension,
)
from ..terminal.console import state_text
from ..terminal.spans import spans_of
from .blocks import add_counts, scope_line
from .origins import origin_lines
from .picture import Page, Picture

UNDO = ".compensate"
MOST_KEYS = 3
"""Keys of kept signals that are named."""


def draw(picture: Picture) -> Tree:
    """Return the tree of an instance, or of a scope of it."""
    tree = Tree(_headline(picture.instance))
    for line in _remarks(picture) if picture.scope is None else ():
        tree.add(line)
    root = tree if picture.scope is None else tree.add(scope_line(picture.scope, whole_path=True))
    log = picture.log_by_task() if picture.whole_log else {}
    ended = picture.instance["ended_at"] is not None
    drawn = _Drawing(log, picture.opened, ended=ended)
    steps = picture.definition["steps"] if picture.scope is None else ()
    needs = {step["id"]: _needs(step) for step in steps}
    drawn.add_tasks(root, picture.tasks, needs, picture.not_reached, order=list(needs))
    return tree


def draw_page(block: Row, page: Page) -> Tree:
    """Return the tree of some scopes of a block."""
    drawn = _Drawing({}, {block["task"]: page})
    tree = Tree(_task_line(block, (), None))
    drawn.add_block(tree, block)
    return tree


class _Drawing:
    """Draws tasks, each with its attempts and, of a block, its scopes."""

    def __init__(
        self, log: Mapping[str, Sequence[Row]], opened: Mapping[str, Page], *, ended: bool = False
    ) -> None:
        self._log = log
        self._opened = opened
        self._not_reached = Text("never came due" if ended else "not due yet", style="bright_black")

    def add_tasks(
        self,
        tree: Tree,
        tasks: Sequence[Row],
        needs: Mapping[str, Text | None],
        not_reached: Sequence[str] = (),
        order: Sequence[str] = (),
    ) -> None:
        """Add the tasks of one list, and where they stand those that are not there (yet)."""
        by_step: dict[str, list[Row]] = defaultdict(list)
        for task in tasks:
            by_step[task["step"]].append(task)
        there = (step for step in by_step if not step.endswith(UNDO))
        for name in dict.fromkeys([*order, *there, *not_reached]):
            if name in not_reached:
                tree.add(_joined(Text(name), self._not_reached, needs.get(name)))
            for row in by_step.get(name, []):
                branch = self._add_task(tree, row, needs.get(name))
                for undo in by_step.get(name + UNDO, []):
                    if undo["task"].partition("/")[2] == row["task"].partition("/")[2]:
                        self._add_task(branch, undo, None)

    def _add_task(self, tree: Tree, row: Row, needs: Text | None) -> Tree:
        log = self._log.get(row["task"], ())
        branch = tree.add(_task_line(row, log, needs))
        _add_attempts(branch, row, log)
        self.add_block(branch, row)
        return branch

    def add_block(self, branch: Tree, row: Row) -> None:
        """Add how many scopes of a block are in which state, and those of them that were read."""
        if row["block"] is None:
            return
        add_counts(branch, row)
        page = self._opened.get(row["task"])
        for scope in page.scopes if page else ():
            is_alone = row["kind"] in ("steps", "switch")
            inner = branch if is_alone else branch.add(scope_line(scope))
            self.add_tasks(inner, scope["tasks"], {})
        if page and page.more:
            more = f"more of them: --block {row['task']}"
            branch.add(Text(more, style="bright_black"))


def log_line(entry: Row) -> str:
    """Return one line of the task log: when, what, which attempt, where, why."""
    parts = [
        clock_text(entry["at"]),
        entry["path"] or "(instance)",
        entry["state"],
        f"attempt {entry['attempt']}" if entry["attempt"] else "",
        _worker(entry),
        error_text(entry["error"]),
    ]
    return "  ".join(part for part in parts if part)


def _headline(instance: Row) -> Text:
    times = f"started {clock_text(instance['started_at'])}"
    if instance["ended_at"] is not None:
        times += f", took {span_text(instance['started_at'], instance['ended_at'])}"
    else:
        times += f", {span_text(instance['started_at'], None)} ago"
    name = Text(f"{instance['workflow']} v{instance['version']}", style="bold")
    return _joined(name, state_text(instance["status"]), Text(instance["id"]), Text(times))


def _remarks(picture: Picture) -> list[Text]:
    instance = picture.instance
    lines: list[Text] = []
    if instance["key"] is not None:
        lines.append(Text(f"started with the key {instance['key']}"))
    if instance["labels"]:
        lines.append(Text(f"labels {labels_text(instance['labels'])}"))
    if instance["parent"] is not None:
        lines.append(Text(f"child of {instance['parent']}, for its {instance['parent_task']}"))
    if instance["erased_at"] is not None:
        since = clock_text(instance["erased_at"])
        lines.append(Text(f"payloads erased by {one_line(instance['erased_by'])} {since}"))
    if instance["suspended_at"] is not None:
        since = clock_text(instance["suspended_at"])
        lines.append(Text(f"{suspension(instance['suspended_by'])} since {since}", style="yellow"))
    if instance["closing_as"] and instance["ended_at"] is None:
        lines.append(Text(f"will end as {instance['closing_as']}", style="yellow"))
    if instance["deadline_at"] is not None:
        lines.append(Text(f"deadline {clock_text(instance['deadline_at'])}"))
    lines.append(Text(f"trace {instance['trace']}", style="bright_black"))
    lines += _kept_signals(picture)
    lines.append(Text(f"input: {json_text.encode(instance['input'])}", style="bright_black"))
    if instance["error"]:
        lines.append(Text(_instance_error(picture), style="red"))
    if instance["output"] is not None:
        lines.append(Text(f"output: {json_text.encode(instance['output'])}", style="bright_black"))
    return lines


def _kept_signals(picture: Picture) -> list[Text]:
    """Return a line for each name of which signals are kept."""
    by_name: dict[str, list[Row]] = defaultdict(list)
    for signal in picture.kept_signals:
        by_name[signal["name"]].append(signal)
    told = "kept: no step took it" if picture.instance["ended_at"] else "kept until a step waits"
    return [
        Text(
            f"signal {name}, {told}: {len(signals)} since {clock_text(signals[0]['sent_at'])}"
            + ("" if (keys := _keys(signals)) is None else f" ({keys})"),
            style="yellow",
        )
        for name, signals in by_name.items()
    ]


def _keys(signals: Sequence[Row]) -> str | None:
    """Return the keys of signals, of many the first; None where none has one."""
    keys = [one_line(signal["key"]) for signal in signals if signal["key"] is not None]
    more = f", and {len(keys) - MOST_KEYS} more" if len(keys) > MOST_KEYS else ""
    return f"key {', '.join(keys[:MOST_KEYS])}{more}" if keys else None


def _instance_error(picture: Picture) -> str:
    """Return why an instance ended; of a task's error, which stands below, only whose it is."""
    error: dict[str, Any] = picture.instance["error"]
    for task in picture.tasks:
        if task["task"] == error.get("task") and task["error"]:
            return f"failed by {task['task']}: {one_line(error.get('code', 'error'))}"
    return error_text(error)


def _task_line(task: Row, log: Sequence[Row], needs: Text | None) -> Text:
    """Return the line of a task: what it is called to those who decide about it, and its state."""
    notes: list[str] = []
    if task["attempts"] > 1:
        notes.append(f"{task['attempts']} attempts")
    if task["state"] == "RETRYING":
        notes.append(f"next attempt {clock_text(task['due_at'])}")
    elif task["state"] == "RUNNING":
        running = next((e for e in reversed(log) if e["state"] == "RUNNING"), None)
        if running is not None:
            notes.append(f"{_worker(running)} for {span_text(running['at'], None)}")
            notes += _span_notes(log, ran=False)
    elif task["state"] == "QUEUED":
        notes.append(f"on queue {task['queue']}")
    elif task["state"] == "SKIPPED":
        notes.append(str(task["reason"]).replace("_", " "))
    elif task["state"] == "DEAD_LETTER":
        notes.append("open: redrive, skip or discard it" if task["open"] else "a record only")
    if task["child"] is not None:
        notes.append(f"child {task['child']} {task['child_status'] or 'not started yet'}")
    if task["state"] != "RUNNING":
        notes += _span_notes(log)
    if task["progress"] is not None:
        notes.append(f"progress {json_text.encode(task['progress'])}")
    return _joined(
        Text(task["task"]),
        state_text(task["state"]),
        Text(", ".join(notes)) if notes else None,
        needs,
    )


def _add_attempts(branch: Tree, task: Row, log: Sequence[Row]) -> None:
    """Add a line for each attempt that failed, and the error of a task that never had one."""
    # A dead letter that becomes a record is in the log once more, with the same error.
    failed = {(entry["attempt"], entry["state"]): entry for entry in log if entry["error"]}
    for entry in failed.values():
        attempt = f"attempt {entry['attempt']}: " if entry["attempt"] else ""
        branch.add(Text(attempt + error_text(entry["error"]), style="red"))
    if task["error"] and not failed:
        branch.add(Text(error_text(task["error"]), style="red"))
    for line in origin_lines(task["error"]):  # of the last failure: those before are in --json
        branch.add(Text(line, style="bright_black"))


def _span_notes(log: Sequence[Row], *, ran: bool = True) -> list[str]:
    """Return how long a task ran, in all its attempts, and how long it waited for a worker."""
    spans = spans_of(log)
    notes = [f"ran {seconds_text(spans.ran)}"] if ran and spans.ran is not None else []
    return notes + ([f"waited {seconds_text(spans.waited)}"] if spans.waited is not None else [])


def _needs(step: dict[str, Any]) -> Text | None:
    needs: list[str] | None = step.get("needs")
    return Text(f"after {', '.join(needs)}", style="bright_black") if needs else None


def _worker(entry: Row) -> str:
    if entry["worker_id"] is None:
        return ""
    return f"on {entry['worker'] or entry['worker_id']}"


def _joined(*parts: Text | None) -> Text:
    return Text("  ").join(part for part in parts if part is not None)
