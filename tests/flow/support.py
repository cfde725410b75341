"""Short words for what the examples do all the time."""

from typing import Any

from .interpreter import Failure, Machine

Json = Any

AT_ONCE: Json = {"attempts": 2, "backoff": 0}
"""A retry without a pause."""


class Case(Machine):
    """A machine that was started; what is answered is claimed first."""

    def __init__(self, *steps: Json, given: Json = None, **more: Json) -> None:
        super().__init__({"steps": list(steps), **more})
        self.start(given)

    def take(self, *paths: str) -> None:
        """Claim those that are not held yet."""
        self.claim([path for path in paths if self.state(path) == "QUEUED"])

    def done(self, *paths: str, output: Json = None) -> None:
        """Complete tasks together."""
        self.take(*paths)
        self.answer(dict.fromkeys(paths, output))

    def fails(self, *paths: str, code: str = "bad", unknown: bool = False) -> None:
        """Fail tasks together, for good."""
        self.take(*paths)
        self.answer(dict.fromkeys(paths, Failure(code, unknown=unknown)))

    def states(self) -> dict[str, str]:
        """Return the states of all rows."""
        return {path: row.state for path, row in self.rows().items()}

    def output(self, path: str) -> Json:
        """Return the output of a row."""
        return self.rows()[path].output


def task(name: str, *, undo: bool = False, **more: Json) -> Json:
    """Return a task, with a compensation where it can be undone."""
    made: Json = {"id": name, "task": "work", **more}
    return {**made, "compensate": {}} if undo else made


def block(name: str, kind: str, inner: Json, **more: Json) -> Json:
    """Return a block of a kind, with its list, or its branches."""
    return {"id": name, kind: inner, **more}


def each(name: str, items: Json, *steps: Json, **more: Json) -> Json:
    """Return a for_each."""
    return {"id": name, "for_each": items, "steps": list(steps), **more}


def given(name: str, value: Json, **more: Json) -> Json:
    """Return a set."""
    return {"id": name, "set": value, **more}


def caught(*steps: Json, **more: Json) -> Json:
    """Return a try whose only catch runs the task c."""
    return block("x", "try", list(steps), catch=[{"steps": [task("c")]}], **more)
