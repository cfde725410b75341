"""Definitions as the interpreter reads them: the surface, with what is left out filled in.

Nothing is checked here: what the compiler refuses is not interpreted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Json = Any
Document = Mapping[str, Any]

INLINE = ("set", "fail", "return", "goto")
"""Kinds that end in the transition that reaches them."""
WAITS = ("sleep", "wait_for", "approve", "workflow")
"""Kinds that need no worker, and wait for a time, what is sent, people, another instance."""
FANS = ("steps", "switch", "parallel", "race", "for_each")
CHAINS = ("try", "repeat")
NOTICE = "workflow.on_failed"
"""The step that the ``on_failed`` of a workflow is."""
KINDS = ("task", *INLINE, *WAITS, *FANS, *CHAINS)


@dataclass(frozen=True)
class Retry:
    """How often all in all, and after what pauses, in seconds; there is no jitter."""

    attempts: int = 5
    backoff: float = 1
    factor: float = 2
    most: float = 300
    non_retryable: tuple[str, ...] = ()

    def pause(self, failed: int) -> float:
        """Return how long it is from the ``failed``-th failure to the next attempt."""
        return min(self.most, self.backoff * self.factor ** (failed - 1))


ONCE = Retry(attempts=1)


@dataclass(frozen=True)
class Limits:
    """For how many seconds a task may be due until a claim, and until its end; None: no limit."""

    start: float | None = None
    total: float | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Compensation:
    """The task that undoes a step."""

    given: Json
    retry: Retry
    limits: Limits = NO_LIMITS


@dataclass(frozen=True, eq=False)
class Branch:
    """A list of steps, and when it is taken: a case, a branch, a catch, or a block's only list.

    In a ``sequence`` steps follow each other, or a ``goto``; else they wait for their ``needs``.
    """

    steps: "tuple[Step, ...]"
    sequence: bool = True
    name: str | None = None
    when: Json = True
    errors: tuple[str, ...] | None = None
    undo: bool = True


@dataclass(frozen=True, eq=False)
class Step:
    """A step of any kind; what its kind has no use for is as if it were not given.

    ``value`` is the input of a task, or of the instance that a ``workflow`` starts, what a ``set``
    or a ``return`` gives, the error of a ``fail``, the array of a ``for_each``, the time of a
    ``sleep``, the key of an event, what an ``approve`` asks of whom by when, the target of a
    ``goto``: a step, or None for the end of its list. ``catches`` and ``condition`` belong to
    ``try`` and ``repeat``, ``signal`` or ``event`` to ``wait_for``, which takes an event that was
    sent up to ``keep`` seconds ago; ``decisions``, what an answer ``requires``, and ``remind`` to
    ``approve``.
    """

    id: str
    kind: str
    needs: tuple[str, ...] = ()
    when: Json = True
    on_failure: str | None = None
    default: Json = None
    timeout: float | None = None
    value: Json = None
    retry: Retry = field(default_factory=Retry)
    limits: Limits = NO_LIMITS
    compensate: Compensation | None = None
    branches: tuple[Branch, ...] = ()
    join: int | None = None
    tolerate: int = 0
    percent: float | None = None
    max_parallel: int = 1000
    names: str | None = None
    undo: bool = True
    catches: tuple[Branch, ...] = ()
    condition: Json = None
    first: bool = False
    """Whether the condition is asked before a round (``while``), not after it (``until``)."""
    delay: float = 0
    limit: int = 1000
    signal: str | None = None
    event: str | None = None
    keep: float = 86_400
    workflow: str = ""
    version: int | None = None
    key: Json = None
    detach: bool = False
    decisions: tuple[str, ...] = ("approved", "rejected")
    requires: tuple[str, ...] = ()
    remind: float | None = None

    @property
    def is_block(self) -> bool:
        return self.kind in FANS or self.kind in CHAINS


@dataclass(frozen=True, eq=False)
class Workflow:
    """A whole definition."""

    branch: Branch
    output: Json = None
    on_failure: str = "compensate"
    deadline: float | None = None
    on_failed: Step | None = None
    """What tells that an instance has failed."""
    signals: frozenset[str] | None = None
    """The only signals that are taken, where the definition declares any."""


def read_workflow(document: Document) -> Workflow:
    """Read a definition, of which all is known to be sound."""
    return Workflow(
        branch=_branch(document["steps"]),
        output=document.get("output"),
        on_failure=document.get("on_failure", "compensate"),
        deadline=document.get("deadline"),
        on_failed=_notice(document["on_failed"]) if "on_failed" in document else None,
        signals=frozenset(document["signals"]) if "signals" in document else None,
    )


def _branch(items: Sequence[Document], owner: Document | None = None, **more: Any) -> Branch:
    """Read a list of steps: a sequence, or by ``needs``; with the ``output`` of its block last."""
    by_needs = any("needs" in item for item in items)
    steps = [_step(item) for item in items]
    if owner is not None and "output" in owner:
        ids = tuple(step.id for step in steps)
        last = Step(f"{owner['id']}.output", "set", ids, value=owner["output"])
        # The end of a list is where the output of its block is asked for.
        steps = [replace(s, value=last.id) if _goes_to_the_end(s) else s for s in steps]
        steps.append(last)
    return Branch(tuple(steps), sequence=not by_needs, **more)


def _goes_to_the_end(step: Step) -> bool:
    return step.kind == "goto" and step.value is None


def _step(item: Document) -> Step:
    # A for_each has `steps` too.
    kind = next((kind for kind in KINDS if kind in item and kind != "steps"), "steps")
    shared: dict[str, Any] = {
        name: item[name]
        for name in ("when", "on_failure", "default", "timeout", "join", "max_parallel", "undo")
        if name in item
    }
    tolerate = item.get("tolerate", 0)
    if isinstance(tolerate, str):
        shared["percent"] = float(tolerate.removesuffix("%"))
    else:
        shared["tolerate"] = tolerate
    readers = {"task": _task, "try": _try, "repeat": _repeat, "for_each": _for_each}
    readers |= {"wait_for": _wait_for, "workflow": _workflow, "approve": _approve}
    own = readers.get(kind, _other)
    return Step(item["id"], kind, tuple(item.get("needs", ())), **shared, **own(item, kind))


def _task(item: Document, _: str) -> dict[str, Any]:
    undo = item.get("compensate")
    return {
        "value": item.get("with", {}),
        "retry": _retry(item.get("retry")),
        "limits": _limits(item),
        "compensate": None
        if undo is None
        else Compensation(undo.get("with", {}), _retry(undo.get("retry")), _limits(undo)),
    }


def _retry(given: Document | None) -> Retry:
    given = given or {}
    named = {"attempts": "attempts", "backoff": "backoff", "factor": "factor", "max": "most"}
    read = {named[key]: value for key, value in given.items() if key in named}
    return Retry(**read, non_retryable=tuple(given.get("non_retryable", ())))


def _limits(given: Document) -> Limits:
    return Limits(given.get("start_timeout"), given.get("total_timeout"))


def _try(item: Document, _: str) -> dict[str, Any]:
    catches = [
        _branch(
            catch.get("steps", ()),
            errors=tuple(catch["errors"]) if "errors" in catch else None,
            undo=catch.get("undo", True),
        )
        for catch in item.get("catch", ())
    ]
    return {
        "branches": (_branch(item["try"], item),),
        "catches": tuple(catches),
        "retry": _retry(item["retry"]) if "retry" in item else ONCE,
    }


def _repeat(item: Document, _: str) -> dict[str, Any]:
    return {
        "branches": (_branch(item["repeat"], item),),
        "condition": item.get("until", item.get("while")),
        "first": "while" in item,
        "delay": item.get("delay", 0),
        "limit": item.get("limit", 1000),
    }


def _for_each(item: Document, _: str) -> dict[str, Any]:
    return {
        "value": item["for_each"],
        "branches": (_branch(item["steps"], item),),
        "names": item.get("as"),
    }


def _wait_for(item: Document, _: str) -> dict[str, Any]:
    awaited = item["wait_for"]
    if isinstance(awaited, str):
        return {"signal": awaited}
    read = {"event": awaited["event"], "value": awaited["key"]}
    return {**read, "keep": awaited["keep"]} if "keep" in awaited else read


def _workflow(item: Document, _: str) -> dict[str, Any]:
    own = {name: item[name] for name in ("version", "key", "detach") if name in item}
    return {"workflow": item["workflow"], "value": item.get("with", {}), **own}


def _approve(item: Document, _: str) -> dict[str, Any]:
    asked = item["approve"]
    read: dict[str, Any] = {
        "value": {name: asked[name] for name in ("title", "to", "due") if name in asked},
        "requires": tuple(asked.get("form", {}).get("required", ())),
        "remind": asked.get("remind"),
    }
    return {**read, "decisions": tuple(asked["decisions"])} if "decisions" in asked else read


def _notice(told: Document) -> Step:
    retry = _retry(told.get("retry"))
    return Step(NOTICE, "notice", value=told.get("with", {}), retry=retry, limits=_limits(told))


def _other(item: Document, kind: str) -> dict[str, Any]:
    match kind:
        case "set" | "fail" | "return" | "sleep":
            return {"value": item[kind]}
        case "goto":
            return {"value": None if item[kind] == "end" else item[kind]}
        case "steps":
            return {"branches": (_branch(item["steps"], item),)}
        case "switch":
            cases = [_branch(case["steps"], when=case["when"]) for case in item["switch"]]
            if "else" in item:
                cases.append(_branch(item["else"]))
            return {"branches": tuple(cases)}
        case _:
            branches = item[kind]
            if not isinstance(branches, Mapping):
                branches = {step["id"]: [step] for step in branches}
            made = tuple(_branch(steps, name=name) for name, steps in branches.items())  # pyright: ignore
            return {"branches": made, **({"join": 1} if kind == "race" else {})}
