"""Steps that wait, drawn by chance, and what they are mostly used for."""

from typing import Any

from .drawn import AGAIN, EVENTS, SIGNALS, Document, Drawing

Json = Any


def sleep(drawing: Drawing) -> Json:
    """Draw for how long a step sleeps, or until when; one in twelve cannot be told."""
    until = [{"until": f"$.input.times.{name}"} for name in ("past", "soon", "later", "soon")]
    choices: list[Json] = [3, "5s", "$.input.x", "$.input.wait", "$.input.zero", *until]
    if drawing.chance(12):
        choices = ["$.input.missing", "$.input.flag", "$.input.xs", {"until": "$.input.wait"}]
    return drawing.one_of(*choices)


def wait_for(drawing: Drawing) -> Document:
    """Draw a wait for a signal or an event; one key in twelve cannot be told."""
    made: Document = {"wait_for": drawing.one_of(*SIGNALS)}
    if "event" in drawing.kinds and drawing.chance(2):
        choices: list[Json] = ["a", "$.input.x", "$.input.x", "$.input.flag"]
        choices += ["$.item"] * 4 if drawing.around else []
        if drawing.chance(12):
            choices = ["$.input.missing", "$.input.nothing", "$.input.xs"]
        made["wait_for"] = {"event": drawing.one_of(*EVENTS), "key": drawing.one_of(*choices)}
        if drawing.chance(2):
            made["wait_for"]["keep"] = drawing.one_of(0, 3, 6)
    if drawing.chance(3):
        made["timeout"] = drawing.one_of(2, 5, 8)
    return made


def child(drawing: Drawing) -> Document:
    """Draw a step that starts an instance: mostly with the input that definitions are drawn for."""
    made: Document = {"workflow": drawing.one_of(*drawing.started)}
    if not drawing.chance(8):
        made["with"] = "$.input"
    else:
        made["with"] = drawing.one_of({"x": "$.input.x"}, "$.input.missing")
    if drawing.chance(10):
        made["workflow"] = "nowhere"
    if drawing.chance(8):
        made["detach"] = True
    elif drawing.chance(5):
        made["timeout"] = drawing.one_of(2, 5, 8)
    if drawing.chance(6):
        made["version"] = drawing.one_of(1, 1, 2, 9)
    if "key" in drawing.kinds and drawing.chance(4):
        named = [f"$.input.keys.{name}" for name in ("k", "k", "l")]
        made["key"] = drawing.one_of(*named, "$.input.nothing")
        if drawing.chance(12):
            made["key"] = drawing.one_of("$.input.missing", "$.input.xs")
    return made


def approve(drawing: Drawing) -> Document:
    """Draw a form; one in twelve cannot be opened."""
    asked: Document = {
        "title": drawing.one_of("pay?", "$.input.wait"),
        "to": drawing.one_of("ada", ["ada", "bob"], ["$.input.wait", "boss"]),
    }
    if drawing.chance(12):
        wrong = {"to": "$.input.none", "title": "$.input.x", "due": "$.input.flag"}
        name = drawing.one_of(*wrong)
        asked[name] = wrong[name]
    elif drawing.chance(2):
        until = {"until": f"$.input.times.{drawing.one_of('past', 'soon', 'later')}"}
        asked["due"] = drawing.one_of(3, "5s", "$.input.wait", until)
    if drawing.chance(3):
        asked["decisions"] = [AGAIN, "done"]
    if drawing.chance(3):
        schema: Document = {"type": "object", "required": ["why"], "properties": {"why": {}}}
        asked["form"] = schema
    if drawing.chance(3):
        asked["remind"] = 60
    return {"approve": asked}


def pattern(drawing: Drawing, name: str) -> Document:
    """Draw a block as it is mostly used with waits: they seldom meet so by chance."""
    first, second = drawing.name(), drawing.name()
    asks = "approve" in drawing.kinds and drawing.chance(3)
    waiting: Document = {"id": first, **(approve(drawing) if asks else wait_for(drawing))}
    match drawing.one_of("race", "mailbox", "timeout", "each"):
        case "race":
            other = drawing.one_of({"sleep": sleep(drawing)}, wait_for(drawing))
            return {"race": {f"{name}w": [waiting], f"{name}t": [{"id": second, **other}]}}
        case "mailbox":
            asked = f'$.steps.{first}.output{".decision" * asks} != "{AGAIN}"'
            return {"repeat": [waiting], "until": asked, "limit": 3}
        case "timeout":
            late = {"errors": ["timeout"], "steps": [{"id": second, "set": "$.error.code"}]}
            if asks:
                waiting["approve"]["due"] = 3
            else:
                waiting["timeout"] = 3
            made = {"try": [waiting], "catch": [late]}
            return drawing.one_of(made, {**made, "retry": {"attempts": 2, "backoff": 0}})
        case _:
            return {"for_each": "$.input.xs", "steps": [waiting]}


def signals_of(part: Json) -> set[str]:
    """Return the signals that are waited for in a part of a definition."""
    if isinstance(part, list):
        return set[str]().union(*(signals_of(item) for item in part))  # pyright: ignore
    if not isinstance(part, dict):
        return set()
    named = part.get("wait_for")  # pyright: ignore
    own = {named} if isinstance(named, str) else set[str]()
    return own.union(*(signals_of(inner) for inner in part.values()))  # pyright: ignore
