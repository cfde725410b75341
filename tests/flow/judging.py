"""Failing for good: who handles it, found from the step outwards, and what closes for it."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from .closing import close, close_instance
from .definition import Retry
from .model import Error, Instance, Plan, Row, Scope
from .seeing import error_seen


@dataclass(frozen=True)
class GoesOn:
    """The step's own `continue`: its edges pass."""


@dataclass(frozen=True)
class Waits:
    """An open dead letter, suspended by ``by``."""

    by: Literal["own", "workflow"] | Row


@dataclass(frozen=True)
class Closes:
    """A scope closes, and then its block decides: by ``plan``, or by its tolerance."""

    scope: Scope
    plan: Plan | None


@dataclass(frozen=True)
class Unwinds:
    """A block fails and its step goes on: all its scopes close."""

    block: Row


@dataclass(frozen=True)
class Ends:
    """The instance closes."""

    closing_as: Literal["COMPENSATED", "FAILED"]


Verdict: TypeAlias = GoesOn | Waits | Closes | Unwinds | Ends


@dataclass
class Judgement:
    """What has been counted so far of failures that are judged together."""

    counted: dict[Row, set[Scope]] = field(default_factory=dict[Row, set[Scope]])


def judge(instance: Instance) -> bool:
    """Judge what has failed in this wave, together; tell whether there was anything."""
    failing, instance.failing = sorted(instance.failing, key=lambda row: row.key), []
    judgement = Judgement()
    verdicts = {row: walk(instance, row, judgement) for row in failing}
    left = list(failing)
    # The outermost to close wins, then compensate before fail, then the first by path.
    for row in sorted(failing, key=lambda row: (*_rank(row, verdicts[row]), row.key)):
        verdict = verdicts[row]
        if row not in left:
            continue
        covered = [other for other in left if other is row or _lies_under(other, row, verdict)]
        left = [other for other in left if other not in covered]
        # What its own `continue` handles goes on, or would have.
        under = {other for other in covered if not isinstance(verdicts[other], GoesOn)}
        for other in covered:
            if other not in under:
                instance.end(other, "FAILED", other.step.default)
        instance.handled.append((row.step.kind, _name(verdict)))
        _apply(instance, row, verdict, under)
    return bool(failing)


def walk(instance: Instance, row: Row, judgement: Judgement) -> Verdict:
    """Find who handles a failure. One that was discarded goes on outside of who suspended it."""
    asked, step = row.asked, row.step
    if asked is None:
        if step.on_failure == "continue":
            # A repeat that asks before its first round is under way.
            return Unwinds(row) if row.scopes or row.wrong == "while" else GoesOn()
        if step.on_failure == "suspend":
            return Waits("own")
    scope = row.scope
    while scope.block is not None and asked != "workflow":
        block = scope.block
        # What lies within the level that suspended it has been asked before.
        if not (isinstance(asked, Row) and block.scope.depth >= asked.scope.depth):
            verdict = _ask(block, scope, row, judgement)
            if verdict is not None:
                return verdict
        scope = block.scope
    policy = step.on_failure if step.on_failure in ("compensate", "fail") else None
    policy = policy or instance.workflow.on_failure
    if policy == "suspend" and asked is None:
        return Waits("workflow")
    return Ends("FAILED" if policy == "fail" else "COMPENSATED")


def _ask(block: Row, scope: Scope, row: Row, judgement: Judgement) -> Verdict | None:
    """Ask one block around a failure, in the order of the page."""
    step = block.step
    error = error_seen(row)
    if step.kind == "try" and scope.branch in step.branches:
        attempts = sum(1 for s in block.scopes if s.branch in step.branches)
        if attempts < step.retry.attempts and not _matches(error, step.retry.non_retryable):
            return Closes(scope, Plan(None, error))
        for catch in step.catches:
            if catch.errors is None or _matches(error, catch.errors):
                return Closes(scope, Plan(catch, error))
    if step.kind in ("parallel", "race", "for_each"):
        counted = judgement.counted.setdefault(block, set())
        if tolerates(block, scope, counted):
            counted.add(scope)
            return Closes(scope, None)
    if step.on_failure == "continue":
        return Unwinds(block)
    if step.on_failure == "suspend" and row.asked is None:
        return Waits(block)
    return None


def tolerates(row: Row, scope: Scope, counted: set[Scope]) -> bool:
    """Tell whether a fan bears that this scope of it fails, beside those counted already."""
    step = row.step
    failed = counted | {s for s in row.scopes if s.ends_as == "FAILED"}
    if scope in failed:
        return True
    many = len(failed) + 1
    if step.join is not None:
        return len(row.scopes) - many >= step.join
    if step.percent is not None:
        return many * 100 <= step.percent * len(row.scopes)
    return many <= step.tolerate


def _matches(error: Error, codes: tuple[str, ...]) -> bool:
    code = error["code"]
    return any(
        code.startswith(c.removesuffix("*")) if c.endswith("*") else code == c for c in codes
    )


def retries(retry: Retry, row: Row) -> bool:
    """Tell whether a task that failed is tried again."""
    assert row.error is not None
    left = max(row.attempt - row.extra, 1) < retry.attempts
    return left and not _matches(row.error, retry.non_retryable)


# What follows


def _rank(row: Row, verdict: Verdict) -> tuple[float, int]:
    match verdict:
        case Ends(closing_as):
            return (0, 0 if closing_as == "COMPENSATED" else 1)
        case Unwinds(block):
            return (block.scope.depth + 0.5, 0)
        case Closes(scope):
            return (scope.depth, 0)
        case _:
            return (row.scope.depth + (0.5 if row.scopes else 1), 0)


def _name(verdict: Verdict) -> str:
    match verdict:
        case GoesOn():
            return "its own continue"
        case Waits(by):
            return f"suspend of {by if isinstance(by, str) else by.step.kind}"
        case Closes(scope, plan):
            assert scope.block is not None
            how = "tolerance" if plan is None else "retry" if plan.catch is None else "catch"
            return f"{how} of {scope.block.step.kind}"
        case Unwinds(block):
            return f"continue of {block.step.kind}"
        case Ends():
            return "the instance closes"


def _lies_under(row: Row, failed: Row, verdict: Verdict) -> bool:
    """Tell whether a row lies in what closes by the verdict on another."""
    match verdict:
        case Ends():
            return True
        case Unwinds(block):
            return row is block or any(row.scope.within(scope) for scope in block.scopes)
        case Closes(scope):
            return row.scope.within(scope)
        case _:
            return any(row.scope.within(scope) for scope in failed.scopes)


def _apply(instance: Instance, row: Row, verdict: Verdict, under: set[Row]) -> None:
    way = {part for other in under for part in _way(other)}
    undoes = instance.workflow.on_failure != "fail"
    match verdict:
        case Ends(closing_as):
            close_instance(instance, closing_as, error_seen(row), failed=under, way=way)
        case Closes(scope, plan):
            block = scope.block
            assert block is not None
            block.plan = plan
            undoes = undoes and block.step.undo
            if plan is not None and plan.catch is not None:
                undoes = undoes and plan.catch.undo
            close(instance, scope, outermost=True, undoes=undoes, failed=under, way=way)
        case Unwinds(block):
            block.unwinds = True
            if row is not block:
                # Of those that fail beneath it together the first tells why.
                block.error = min(under, key=lambda other: other.key).error
            block.timeout_at = block.resume_at = None
            block.plan = None
            for scope in block.scopes:
                if not scope.ended:
                    close(instance, scope, outermost=False, failed=under, way=way)
        case Waits(by):
            # What a block had open closes: nothing in it runs again. Losers undo themselves.
            row.state, row.asked = "DEAD_LETTER", by
            row.timeout_at = row.resume_at = row.plan = None
            undoes = undoes and row.step.undo
            for scope in row.scopes:
                if not scope.ended:
                    close(instance, scope, outermost=True, undoes=undoes, failed=under, way=way)
        case GoesOn():
            pass


def _way(row: Row) -> list[Row | Scope]:
    """Return the scopes and blocks around a row, from the inside out."""
    found: list[Row | Scope] = []
    scope = row.scope
    while scope.block is not None:
        found += [scope, scope.block]
        scope = scope.block.scope
    return found
