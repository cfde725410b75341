"""Definitions with every kind in every kind, drawn by chance.

The documents are those of a user: what the compiler takes, as far as it knows the kinds.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from .drawn import (
    AGAIN,
    ALL,
    CHAINS,
    CODES,
    FANS,
    LEAVES,
    WAITS,
    Document,
    Drawing,
)
from .waits import approve, child, pattern, signals_of, sleep, wait_for

Json = Any

ARRAYS: tuple[Json, ...] = ("$.input.xss", [[1], [2, 3]])
"""Arrays of arrays, so that a for_each goes by the items of another."""
NESTING = (0, 35, 60, 75)
"""How many of a hundred steps are blocks, by how many levels may still lie beneath."""


def definitions(rnd: Random, kinds: Sequence[str], depth: int, size: int) -> list[Document]:
    """Draw a workflow and, at times, what it starts: `part`, and `leaf`, which part starts too."""
    if "workflow" not in kinds or rnd.randrange(3):
        plain = [kind for kind in kinds if kind != "workflow"]
        return [definition(rnd, plain, depth, size)]
    parts = [kind for kind in kinds if kind not in ("workflow", "return")]
    root = definition(rnd, [*kinds, "key"], depth, size // 2)
    part = definition(rnd, [*parts, "workflow"], 1, 4, ("leaf",), most=3)
    # One in which little fails, so that there is much to undo.
    plain = [kind for kind in parts if kind not in ("fail", "event")]
    leaf = definition(rnd, plain, 1, 3, most=2)
    leaves = [leaf] if rnd.randrange(3) else [leaf, definition(rnd, plain, 1, 3, most=2)]
    return [root, {**part, "name": "part"}, *({**each, "name": "leaf"} for each in leaves)]


def definition(
    rnd: Random,
    kinds: Sequence[str] = ALL,
    depth: int = 3,
    size: int = 24,
    started: Sequence[str] = ("part", "leaf", "leaf"),
    most: int = 7,
) -> Document:
    """Draw a workflow of about so many steps, blocks nested so deep, and ``most`` at its top."""
    drawing = Drawing(rnd, kinds, depth, size, started=started, most=most)
    document: Document = {
        "name": "flow",
        "steps": steps(drawing, depth, []),
        "on_failure": drawing.one_of("compensate", *["suspend"] * 3, "fail"),
    }
    if drawing.chance(8):
        document["deadline"] = rnd.randint(5, 40)
    awaited = signals_of(document["steps"])
    if awaited and "signals" in kinds and drawing.chance(8):
        document["signals"] = dict.fromkeys(sorted(awaited))
    if "on_failed" in kinds and drawing.chance(6):
        told = drawing.one_of("$.error.code", "$.input.x", "$.error.code", "$.input.missing")
        document["on_failed"] = {"task": "work", "with": {"v": told}, "retry": retry(drawing)}
        document["on_failed"] |= limits(drawing, 4)
    if drawing.chance(3):
        ids = [step["id"] for step in document["steps"]]
        path = f"$.steps.{rnd.choice(ids)}.output"
        document["output"] = drawing.one_of(path, path, "$.input.missing")
    return document


def steps(drawing: Drawing, depth: int, seen: list[str]) -> list[Document]:
    """Draw a list: a sequence, or a DAG, in which each names only what has ended before it."""
    top = depth == drawing.depth
    least, most = (min(4, drawing.most - 1), drawing.most) if top else (1, 3)
    many = 1 if drawing.full else drawing.rnd.randint(least, most)
    as_graph = many > 1 and drawing.chance(2)
    straight, drawing.straight = drawing.straight, drawing.straight and not as_graph
    made: list[Document] = []
    before: dict[str, set[str]] = {}
    for _ in range(many):
        if made and drawing.full and not top:
            break
        ids = [step["id"] for step in made]
        needs = ids[-1:]
        if as_graph:
            # Half of them begin beside what runs already; the others join.
            beside = not ids or drawing.chance(2)
            needs = [] if beside else sorted({drawing.one_of(*ids) for _ in range(2)})
        ended = set[str]().union(*(before[need] | {need} for need in needs))
        item = step(drawing, depth, [*seen, *sorted(ended)])
        before[item["id"]] = ended
        made.append({**item, "needs": needs} if as_graph else item)
    if not as_graph:
        add_jumps(drawing, made, seen)
    drawing.straight = straight
    return made


def add_jumps(drawing: Drawing, made: list[Document], seen: list[str]) -> None:
    """Put a goto or a return into a sequence, at times."""
    if "goto" in drawing.kinds and drawing.chance(3):
        at = drawing.rnd.randint(0, len(made))
        above, below = [step["id"] for step in made[:at]], [step["id"] for step in made[at:]]
        jump: Document = {"id": drawing.name(), "goto": drawing.one_of("end", *below)}
        if not drawing.chance(4):
            jump["when"] = condition(drawing, [*seen, *above])
        asked = [n for n, step in enumerate(made[:at]) if "task" in step and "default" not in step]
        if asked and not drawing.chance(3):
            # Back it goes as long as a task behind its target says so.
            n = drawing.one_of(*asked)
            jump["goto"] = made[drawing.one_of(0, drawing.rnd.randint(0, n))]["id"]
            jump["when"] = f'$.steps.{made[n]["id"]}.output == "{AGAIN}"'
        made.insert(at, with_policy(drawing, jump))
        # What is gone through again sees what stands below, too, as it was left.
        one = drawing.one_of(*made)
        others = [step["id"] for step in made if step is not one]
        if "task" in one:
            one["with"] = {"v": value(drawing, [*seen, *others])}
        elif "set" in one:
            one["set"] = value(drawing, [*seen, *others])
    if "return" in drawing.kinds and drawing.straight and drawing.chance(8):
        at = drawing.rnd.randint(0, len(made))
        above = [*seen, *(step["id"] for step in made[:at])]
        end: Document = {"id": drawing.name(), "return": value(drawing, above)}
        if not drawing.chance(4):
            end["when"] = condition(drawing, above)
        made.insert(at, with_policy(drawing, end))


def step(drawing: Drawing, depth: int, seen: list[str]) -> Document:
    """Draw a step of any kind that fits."""
    blocks = [kind for kind in drawing.kinds if kind in (*FANS, *CHAINS)]
    share = NESTING[min(depth, 3)] if blocks and not drawing.full else 0
    if share and {"sleep", "wait_for"} <= set(drawing.kinds) and drawing.chance(10):
        kind = "pattern"
    elif drawing.rnd.randrange(100) < share:
        kind = drawing.one_of(*blocks)
    else:
        others = [kind for kind in drawing.kinds if kind in (*LEAVES, *WAITS) and kind != "task"]
        others += [kind for kind in drawing.kinds if kind in ("wait_for", "approve")] * 2
        others += [kind for kind in drawing.kinds if kind == "workflow"] * 8
        kind = drawing.one_of(*["task"] * 12, *others)
    name = drawing.name()
    item: Document = {"id": name}
    if drawing.chance(8):
        item["when"] = condition(drawing, seen)
    match kind:
        case "task":
            item |= task(drawing, seen)
        case "set":
            item["set"] = value(drawing, seen)
        case "fail":
            item["fail"] = {"code": drawing.one_of(*CODES), "message": "it was to fail"}
        case "sleep":
            item["sleep"] = sleep(drawing)
        case "wait_for":
            item |= wait_for(drawing)
        case "approve":
            item |= approve(drawing)
        case "workflow":
            item |= child(drawing)
        case "pattern":
            item |= pattern(drawing, name)
        case _:
            item |= block(drawing, kind, depth - 1, seen, name)
    drawing.steps[name] = with_policy(drawing, item)
    return item


def with_policy(drawing: Drawing, item: Document) -> Document:
    """Draw what follows where a step fails for good."""
    if drawing.chance(5):
        own = () if any(kind in item for kind in (*FANS, *CHAINS)) else ("compensate", "fail")
        item["on_failure"] = drawing.one_of("continue", "suspend", *own)
        if item["on_failure"] == "continue" and drawing.chance(2):
            item["default"] = drawing.one_of("default", ["default"])
    return item


def task(drawing: Drawing, seen: list[str]) -> Document:
    """Draw what is special of a task."""
    made: Document = {"task": "work", "with": {"v": value(drawing, seen)}, "retry": retry(drawing)}
    if not drawing.chance(3):
        given = drawing.one_of(
            *(1, "$.output", "$.task_input.v", "$.input.x"),
            *(["$.input.missing"] if drawing.chance(3) else []),
        )
        made["compensate"] = {"task": "undo", "with": {"v": given}, "retry": retry(drawing)}
        made["compensate"] |= limits(drawing, 12)
    if drawing.chance(6):
        made["timeout"] = drawing.one_of(3, 7)
    return made | limits(drawing, 7)


def limits(drawing: Drawing, part: int) -> Document:
    """Draw until when a task is to be claimed, and to have ended: each one time in ``part``."""
    made: Document = {}
    if "limits" in drawing.kinds and drawing.chance(part):
        made["start_timeout"] = drawing.one_of(2, 5, 6)
    if "limits" in drawing.kinds and drawing.chance(part):
        made["total_timeout"] = drawing.one_of(3, 4, 6, 9)
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
    match kind:
        case "steps" | "try":
            made[kind] = steps(drawing, depth, seen)
        case "repeat":
            made |= rounds(drawing, depth, seen)
        case "switch":
            made["switch"] = [
                {"when": condition(drawing, seen), "steps": steps(drawing, depth, seen)}
                for _ in range(drawing.rnd.randint(1, 2))
            ]
            if drawing.chance(2):
                made["else"] = steps(drawing, depth, seen) if drawing.chance(2) else []
        case "parallel" | "race":
            made |= branches(drawing, kind, depth, seen, name)
        case _:
            made |= for_each(drawing, depth, seen)
    if kind in ("steps", "try") and drawing.chance(4):
        made["output"] = value(drawing, [*seen, made[kind][-1]["id"]])
    if kind == "try":
        made |= handlers(drawing, depth, [*seen, *(step["id"] for step in made[kind])])
    return made


def branches(drawing: Drawing, kind: str, depth: int, seen: list[str], name: str) -> Document:
    """Draw the branches of a parallel or a race: by name, or steps that give their names."""
    count = drawing.rnd.randint(2, 3)
    straight, drawing.straight = drawing.straight, False
    made: Document
    if drawing.chance(4):
        made = {kind: [step(drawing, depth, seen) for _ in range(count)]}
    else:
        made = {kind: {f"{name}b{n}": steps(drawing, depth, seen) for n in range(count)}}
    drawing.straight = straight
    if kind == "parallel":
        made |= drawing.one_of({}, {"tolerate": 1}, {"join": 1}, {"join": count}, {"tolerate": 2})
    return made


def for_each(drawing: Drawing, depth: int, seen: list[str]) -> Document:
    """Draw a for_each: of a few items, at times of none, or of arrays that an inner one goes by."""
    choices: list[Json] = [*ARRAYS, *ARRAYS, "$.input.xs", [1, 2], "$.input.xs", [1, 2]]
    if drawing.around and drawing.around[-1]["for_each"] in ARRAYS:
        choices += ["$.item"] * 8
    if drawing.chance(12):
        choices = ["$.input.none", "$.input.none", "$.input.x", "$.input.missing"]
    made: Document = {"for_each": drawing.one_of(*choices)}
    if drawing.chance(4):
        made["as"] = f"each{len(drawing.around)}"
    drawing.around.append(made)
    straight, drawing.straight = drawing.straight, False
    made["steps"] = steps(drawing, depth, seen)
    drawing.straight = straight
    if drawing.chance(4):
        made["output"] = value(drawing, [*seen, made["steps"][-1]["id"]])
    drawing.around.pop()
    made |= drawing.one_of(
        *({}, {"tolerate": 1}, {"join": 1}, {"join": 2}, {"tolerate": "40%"}, {"tolerate": "100%"})
    )
    if drawing.chance(3):
        made["max_parallel"] = drawing.one_of(1, 2)
    return made


def handlers(drawing: Drawing, depth: int, seen: list[str]) -> Document:
    """Draw a try's catches and its retry."""
    made: Document = {}
    catches: list[Document] = []
    many = drawing.rnd.randint(0, 2)
    for n in range(many):
        drawing.sees.append(("$.error.code", "$.error.attempts"))
        catch: Document = {"steps": steps(drawing, depth, seen) if drawing.chance(2) else []}
        drawing.sees.pop()
        # One for every error comes last.
        if n + 1 < many or drawing.chance(2):
            catch["errors"] = drawing.one_of(
                *(["bad"], ["bad*", "timeout"], ["expression", "flow.*"]),
                *([["start_timeout", "total_timeout"]] if "limits" in drawing.kinds else []),
            )
        if drawing.chance(4):
            catch["undo"] = False
        catches.append(catch)
    if catches:
        made["catch"] = catches
    if not catches or drawing.chance(2):
        backoff = drawing.one_of(0, 0, 3)
        made["retry"] = {"attempts": drawing.one_of(2, 2, 3), "backoff": backoff, "jitter": 0}
        if drawing.chance(6):
            made["retry"]["non_retryable"] = drawing.one_of(["bad"], ["bad*"])
    return made


def rounds(drawing: Drawing, depth: int, seen: list[str]) -> Document:
    """Draw a repeat: its list, and how often it is gone through."""
    drawing.sees.append(("$.round", "$.previous"))
    made: Document = {"repeat": steps(drawing, depth, seen)}
    last = made["repeat"][-1]["id"]
    if drawing.chance(4):
        made["output"] = value(drawing, [*seen, last])
    drawing.sees.pop()
    key = drawing.one_of("until", "while")
    bound = drawing.one_of("$.round > 0", "$.round == 1", "$.previous != null")
    asked = drawing.one_of(
        *([bound, bound, True, False, "$.input.flag"] if key == "until" else []),
        *(["$.round < 2", "$.round < 3", "$.previous == null"] if key == "while" else []),
        f'$.steps.{last}.output {"!=" if key == "until" else "=="} "{AGAIN}"',
        f"$.steps.{last}.state {'!=' if key == 'until' else '=='} null",
    )
    if drawing.chance(12):
        asked = drawing.one_of("$.input.missing", "$.input.x", "$.input.nothing")
    made |= {key: asked, "limit": drawing.one_of(1, 2, 3, 3, 4)}
    if drawing.chance(3):
        made["delay"] = 3
    return made


def condition(drawing: Drawing, seen: list[str]) -> Json:
    """Draw a condition; one in twenty cannot be decided, or is no boolean."""
    choices: list[Json] = [True, False, "$.input.flag", "$.input.x > 1", "$.input.x == 9"]
    if drawing.around:
        choices += ["$.index > 0", "$.index == 0"]
    if drawing.sees:
        named = drawing.one_of(*drawing.sees)[0]
        choices += [f"{named} == 0", f"{named} > 0"] if named == "$.round" else []
        choices += [f'{named} == "bad"'] if named == "$.error.code" else []
    if seen:
        choices.append(f'$.steps.{drawing.one_of(*seen)}.state == "SUCCEEDED"')
    if drawing.chance(20):
        choices = ['$.input.x == "2"', "$.input.missing", "$.input.x", "$.input.nothing"]
    return drawing.one_of(*choices)


def value(drawing: Drawing, seen: list[str]) -> Json:
    """Draw a value; one in thirty finds nothing."""
    choices: list[Json] = [1, {"deep": ["$.input.x", None]}, "$.input.xs[1]"]
    if drawing.around:
        choices += ["$.item", "$.index"]
        name = drawing.one_of(*drawing.around).get("as")
        choices += [] if name is None else [f"$.{name}", f"$.{name}_index"]
    if drawing.sees:
        choices += drawing.one_of(*drawing.sees)
    if seen:
        named = drawing.one_of(*seen)
        choices += [f"$.steps.{named}.output"] * 2 + [f"$.steps.{named}.state"]
        if drawing.steps[named].get("on_failure") == "continue":
            # Found where it has failed, and else not.
            choices.append(f"$.steps.{named}.error.code")
        if "for_each" in drawing.steps[named]:
            choices.append(f"$.steps.{named}.errors[0].index")
        if "try" in drawing.steps[named]:
            choices += [f"$.steps.{named}.caught"] * 2
    if drawing.chance(30):
        choices = ["$.input.missing"]
    return drawing.one_of(*choices)
