"""A block of the kind `try`: what fails in it is tried again as a whole, or caught."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

from ...json_text import Json
from ..foreign.words import OF_A_STEP, without
from ..source.document import Faults, child
from .block import BLOCK, LIST, OUTPUT, STEP_REF, UNDO, Branch, Chain, Readers, with_output
from .members import Key, Members
from .retry import CODES, RETRY, Retry
from .step import HEAD, ORDER, Place

CAUGHT = ("error",)
"""What the steps of a catch see besides: the error that is caught."""


class Catch(Branch, frozen=True, kw_only=True):
    """A list that runs behind a failure; ``errors`` None: behind any."""

    errors: list[str] | None = None
    undo: bool = True

    def spec(self) -> dict[str, Any]:
        """Return what the engine keeps of it."""
        spec: dict[str, Any] = {"name": None, "last": self.steps[-1].id if self.steps else None}
        if self.errors is not None:
            spec["errors"] = self.errors
        if not self.undo:
            spec["undo"] = False
        return spec


def members(readers: Readers) -> Members:
    """Return the keys that it may have."""

    def steps(value: Json, pointer: str, faults: Faults) -> list[Any] | None:
        return [] if value == [] else readers.steps(value, pointer, faults)

    catch = Members(
        "a catch",
        {
            "errors": Key(
                CODES.check,
                {**CODES.schema, "minItems": 1},
                "The codes of the errors that it is for, * at the end for any; all unless given.",
                examples=(["card.declined", "card.limit*"],),
            ),
            "undo": replace(
                UNDO,
                meaning="With false, what was done before the failure is not undone before it "
                "runs, but with what is around the block.",
            ),
            "steps": Key(
                steps,
                {"type": "array", "items": STEP_REF},
                "Its steps, which see $.error; [] lets the block go on with null.",
                required=True,
                examples=([{"id": "invoice", "task": "invoice.create"}],),
            ),
        },
        dict.fromkeys(("id", "name"), "a catch has no name; leave it out"),
    )

    def catches(value: Json, pointer: str, faults: Faults) -> list[Catch] | None:
        if not isinstance(value, list) or not value:
            faults.add(
                pointer, "must be a list of at least one catch, each {errors: …, steps: […]}"
            )
            return None
        found: list[Catch] = []
        every: int | None = None
        for n, item in enumerate(cast(list[Json], value)):
            read = catch.read(item, child(pointer, n), faults) or {}
            if every is not None:
                message = f"catch {every}, before it, takes every error; put that one last"
                faults.add(child(pointer, n), message)
            written = cast(dict[str, Json], item) if isinstance(item, dict) else {"errors": None}
            if written.get("errors") == []:
                faults.add(child(child(pointer, n), "errors"), "names none; leave it out for all")
            if "errors" not in written:
                every = n
            found.append(Catch(**{**read, "steps": read.get("steps", [])}))
        return found

    return Members(
        "a step",
        {
            **HEAD,
            "try": Key(
                readers.steps,
                LIST,
                "The steps that may fail.",
                required=True,
                examples=([{"id": "charge", "task": "card.charge"}],),
            ),
            "catch": Key(
                catches,
                {"type": "array", "minItems": 1, "items": catch.schema()},
                "What runs instead behind a failure in `try`: the first that is for its code.",
                examples=([{"steps": [{"id": "invoice", "task": "invoice.create"}]}],),
            ),
            "retry": replace(
                RETRY,
                meaning="When the steps are tried again together, once what was done is undone; "
                "never unless given.",
            ),
            "output": OUTPUT,
            **ORDER,
            **BLOCK,
        },
        without(OF_A_STEP, ("catch",)),
    )


class Try(Chain, frozen=True, kw_only=True, tag="try"):
    """A step of the kind `try`; its lists are its own, and then those of its catches."""

    retry: Retry | None = None

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return its lists and its retry."""
        return {**super().own(members, pointer), "retry": members.get("retry")}

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return its own list, and those of its catches."""
        own = Branch(steps=with_output(members, pointer, members.get("try", [])))
        return [own, *members.get("catch", [])]

    @classmethod
    def lacks(cls, written: Collection[str]) -> str | None:
        """Tell where nothing follows a failure."""
        if "catch" in written or "retry" in written:
            return None
        return (
            "a try needs `catch: [{errors: […], steps: […]}]`, `retry: {attempts: 3}`, or both; "
            "a group is `steps: […]`"
        )

    def items(self, number: int) -> tuple[str, ...]:
        """Return what the steps of one of its lists see: those of a catch the error."""
        return CAUGHT if number else ()

    def rounds(self, place: Place) -> dict[str, Any]:
        """Return what the engine keeps of its retry."""
        return {} if self.retry is None else {"retry": self.retry.spec()}
