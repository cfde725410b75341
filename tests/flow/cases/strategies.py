"""Definitions with every kind in every kind, and scripts of calls, as Hypothesis draws them.

The documents are those of a user: what the compiler takes, as far as it knows the kinds. A script
is plain data; what a call is about is chosen when its turn comes (scripts.py), so that a shrunk
script still means something.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from .scripts import NAMES, Call

Json = Any
Document = dict[str, Any]

INPUT = {"x": 2, "flag": True, "xs": [1, 2, 3], "none": [], "nothing": None}
"""What every instance is started with."""
CODES = ("bad", "bad.worse", "other")
BLOCKS = ("steps", "switch", "parallel", "race", "for_each", "try", "repeat")
FAN = ("task", "set", "fail", "steps", "switch", "parallel", "race", "for_each")
"""The kinds of step whose blocks are fans."""
ALL = (*FAN, "try", "repeat")


@dataclass
class Drawing:
    """What is drawn so far: names, what may be drawn, and how large."""

    draw: st.DrawFn
    kinds: Sequence[str]
    depth: int
    size: int
    count: int = 0
    items: list[bool] = field(default_factory=list[bool])
    """Whether each block around is a for_each."""

    def name(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self, part: int) -> bool:
        """One in ``part``; False when shrunk."""
        return self.draw(st.integers(0, part - 1)) == part - 1


@st.composite
def definitions(
    draw: st.DrawFn, kinds: Sequence[str] = ALL, depth: int = 3, size: int = 20
) -> Document:
    """Draw a workflow of about so many steps, with blocks nested so deep."""
    drawing = Drawing(draw, kinds, depth, size)
    document: Document = {
        "name": "flow",
        "steps": steps(drawing, depth, []),
        "on_failure": draw(st.sampled_from(("compensate", "suspend", "suspend", "fail"))),
    }
    if drawing.chance(8):
        document["deadline"] = draw(st.integers(5, 40))
    if drawing.chance(3):
        ids = [step["id"] for step in document["steps"]]
        path = f"$.steps.{draw(st.sampled_from(ids))}.output"
        document["output"] = drawing.one_of(path, path, f"{path}.none")
    return document


def steps(drawing: Drawing, depth: int, seen: list[str]) -> list[Document]:
    """Draw a list: a sequence, or a DAG, in which each names only what has ended before it."""
    least, most = (4, 7) if depth == drawing.depth else (1, 3)
    many = drawing.draw(st.integers(least, most))
    as_graph = many > 1 and not drawing.chance(3)
    made: list[Document] = []
    before: dict[str, set[str]] = {}
    for _ in range(many):
        if made and drawing.count >= drawing.size:
            break
        ids = [step["id"] for step in made]
        needs = ids[-1:]
        if as_graph:
            # Half of them begin beside what runs already; the others join.
            beside = not ids or drawing.chance(2)
            some = st.sets(st.sampled_from(ids or [""]), min_size=1, max_size=3)
            needs = [] if beside else sorted(drawing.draw(some))
        ended = set[str]().union(*(before[need] | {need} for need in needs))
        item = step(drawing, depth, [*seen, *sorted(ended)])
        before[item["id"]] = ended
        made.append({**item, "needs": needs} if as_graph else item)
    return made


def step(drawing: Drawing, depth: int, seen: list[str]) -> Document:
    """Draw a step of any kind that fits."""
    leaves = [kind for kind in drawing.kinds if kind not in BLOCKS]
    blocks = [kind for kind in drawing.kinds if kind in BLOCKS]
    # Blocks as often as tasks while there is room, and a task before all else when shrunk.
    weighted = [*["task"] * 10, *leaves]
    if blocks and depth > 0 and drawing.count + 2 < drawing.size:
        weighted += blocks * (4 if depth == drawing.depth else 3)
    kind = drawing.draw(st.sampled_from(weighted))
    item: Document = {"id": drawing.name()}
    if drawing.chance(8):
        item["when"] = condition(drawing, seen)
    match kind:
        case "task":
            item |= task(drawing, seen)
        case "set":
            item["set"] = value(drawing, seen)
        case "fail":
            item["fail"] = {"code": drawing.one_of(*CODES), "message": "it was to fail"}
        case _:
            item |= block(drawing, kind, depth - 1, seen, item["id"])
    policies = (
        ["continue", "suspend"] if kind in BLOCKS else ["continue", "suspend", "compensate", "fail"]
    )
    if kind != "set" and drawing.chance(5):
        item["on_failure"] = drawing.draw(st.sampled_from(policies))
        if item["on_failure"] == "continue" and drawing.chance(2):
            item["default"] = "default"
    return item


def task(drawing: Drawing, seen: list[str]) -> Document:
    made: Document = {"task": "work", "with": {"v": value(drawing, seen)}, "retry": retry(drawing)}
    if not drawing.chance(3):
        made["compensate"] = {"task": "undo", "retry": retry(drawing)}
        made["compensate"]["with"] = {
            "v": drawing.one_of(1, "$.output", "$.task_input.v", "$.input.x", "$.input.missing")
        }
    if drawing.chance(6):
        made["timeout"] = drawing.one_of(3, 7)
    return made


def retry(drawing: Drawing) -> Document:
    attempts = drawing.one_of(1, 1, 2)
    made: Document = {"attempts": attempts, "backoff": 4, "factor": 1, "max": 4, "jitter": 0}
    if attempts > 1 and drawing.chance(4):
        made["non_retryable"] = drawing.one_of(["bad"], ["bad*"])
    return made


def block(drawing: Drawing, kind: str, depth: int, seen: list[str], name: str) -> Document:
    """Draw what is special of a block."""
    made: Document = {}
    if drawing.chance(8):
        made["timeout"] = drawing.one_of(2, 6, 9)
    if drawing.chance(8):
        made["undo"] = False
    drawing.items.append(kind == "for_each")
    match kind:
        case "steps" | "try" | "repeat":
            made[kind] = steps(drawing, depth, seen)
        case "switch":
            count = drawing.draw(st.integers(1, 2))
            made["switch"] = [
                {"when": condition(drawing, seen), "steps": steps(drawing, depth, seen)}
                for _ in range(count)
            ]
            if drawing.chance(2):
                made["else"] = steps(drawing, depth, seen) if drawing.chance(2) else []
        case "parallel" | "race":
            count = drawing.draw(st.integers(2, 3))
            made[kind] = {f"{name}b{n}": steps(drawing, depth, seen) for n in range(count)}
            if kind == "parallel":
                made |= bearing(drawing, count, percent=False)
        case _:
            made["for_each"] = drawing.one_of(*["$.input.xs", [1, 2]] * 4, "$.input.none")
            if drawing.chance(20):
                made["for_each"] = drawing.one_of("$.input.x", "$.input.missing")
            made["steps"] = steps(drawing, depth, seen)
            made |= bearing(drawing, 2, percent=True)
            if drawing.chance(3):
                made["max_parallel"] = drawing.one_of(1, 2)
    if kind in ("steps", "for_each", "repeat", "try") and drawing.chance(4):
        inner = made["steps" if kind == "for_each" else kind]
        made["output"] = value(drawing, [*seen, inner[-1]["id"]])
    if kind == "try":
        made |= handlers(drawing, depth, seen)
    if kind == "repeat":
        made |= rounds(drawing)
    drawing.items.pop()
    return made


def bearing(drawing: Drawing, count: int, *, percent: bool) -> Document:
    """Draw how many have to succeed, or may fail."""
    choices: list[Document] = [{}, {"tolerate": 1}, {"join": 1}, {"join": count}]
    choices += [{"tolerate": "40%"}] if percent else [{"tolerate": count}]
    return dict(drawing.draw(st.sampled_from(choices)))


def handlers(drawing: Drawing, depth: int, seen: list[str]) -> Document:
    made: Document = {}
    catches: list[Document] = []
    for _ in range(drawing.draw(st.integers(0, 2))):
        catch: Document = {"steps": steps(drawing, depth, seen) if drawing.chance(2) else []}
        if drawing.chance(2):
            catch["errors"] = drawing.one_of(["bad"], ["bad*", "timeout"])
        if drawing.chance(4):
            catch["undo"] = False
        catches.append(catch)
    if catches:
        made["catch"] = catches
    if drawing.chance(2):
        made["retry"] = {"attempts": 2, "backoff": drawing.one_of(0, 3)}
    return made


def rounds(drawing: Drawing) -> Document:
    key = drawing.one_of("until", "while")
    made: Document = {key: drawing.one_of(key == "until", "$.input.flag")}
    if key == "while":
        made["limit"] = drawing.one_of(1, 2)
    if drawing.chance(3):
        made["delay"] = 3
    return made


def condition(drawing: Drawing, seen: list[str]) -> Json:
    choices: list[Json] = [True, False, "$.input.flag", "$.input.x > 1", "$.input.x == 9"]
    if any(drawing.items):
        choices += ["$.index > 0", "$.item == 1"]
    if seen:
        choices.append(f'$.steps.{seen[-1]}.state == "SUCCEEDED"')
    if drawing.chance(20):
        # Of these the first two cannot be decided, and the others are no booleans.
        choices = ['$.input.x == "2"', "$.input.missing", "$.input.x", "$.input.nothing"]
    return drawing.draw(st.sampled_from(choices))


def value(drawing: Drawing, seen: list[str]) -> Json:
    choices: list[Json] = [1, {"deep": ["$.input.x", None]}, "$.input.xs[1]"]
    if any(drawing.items):
        choices += ["$.item", "$.index"]
    if seen:
        named = drawing.draw(st.sampled_from(seen))
        choices += [f"$.steps.{named}.output", f"$.steps.{named}.state"]
    if drawing.chance(40):
        choices = ["$.input.missing"]
    return drawing.draw(st.sampled_from(choices))


def scripts(least: int = 1, most: int = 40) -> st.SearchStrategy[list[Call]]:
    """Draw calls, of which the median is twelve."""
    calls = st.builds(
        Call,
        st.sampled_from(NAMES),
        st.integers(0, 511) | st.sampled_from((0, 1, 2, 3, 4)),  # a few, rather than all
        st.integers(0, 7),
    )
    return st.lists(calls, min_size=least, max_size=most)
