"""Our form of a foreign key, with the value that stands under it; None where that is not simple.

Each takes the value and the step, or the workflow, that it stands in.
"""

import re
from collections.abc import Callable, Mapping
from typing import cast

from ...json_text import Json
from .values import as_id, condition, duration, id_of, shown

Step = Mapping[str, Json]
Form = Callable[[Json, Step], str | None]


def when(value: Json, _: Step) -> str | None:
    """A condition."""
    if isinstance(value, bool):
        return f"`when: {shown(value)}`"
    return f"`when: {condition(value)}`" if isinstance(value, str) else None


def key(name: str) -> Form:
    """The same value under another key."""
    return lambda value, _: f"`{name}: {shown(value)}`"


def lasting(name: str, unit: str) -> Form:
    """A time under another key; numbers of it are in ``unit``."""

    def form(value: Json, _: Step) -> str | None:
        written = duration(value, unit)
        return written and f"`{name}: {written}`"

    return form


def task(value: Json, _: Step) -> str | None:
    """A task of that name, as far as it can be one."""
    words = re.split(r"[:/]", value.partition("@")[0])[-1] if isinstance(value, str) else ""
    if words.count(".") > 1:  # a class of Airflow's
        words = words.rpartition(".")[2]
    fits = re.fullmatch(r"[A-Za-z][\w.-]{0,127}", words)
    return f"`task: {words}`, with a handler of that name in a worker" if fits else None


def identity(value: Json, step: Step) -> str | None:
    """An id; beside another name that of the task, as Conductor has it."""
    if "taskReferenceName" in step and value is step.get("name"):
        return task(value, step)
    return f"`id: {as_id(value)}`" if isinstance(value, str) and value else None


def needs(value: Json, _: Step) -> str | None:
    """Steps that must have ended before."""
    if isinstance(value, str):
        names = re.findall(r"[A-Za-z][\w-]*", re.sub(r"\.[A-Z]\w*", "", value[:400]))
    elif isinstance(value, list):
        names = [as_id(name) for name in cast(list[Json], value) if isinstance(name, str)]
    else:
        return None
    return f"`needs: [{', '.join(names)}]`, or the order in which the steps are written"


def following(value: Json, step: Step) -> str | None:
    """The step that comes next."""
    if not isinstance(value, str):
        return None
    if value in ("end", "exit"):
        return "`goto: end`, a step of its own, or the end of the list"
    own = id_of(step)
    edge = f", or give {as_id(value)!r} `needs: [{own}]`" if own else ""
    target = as_id(value)
    return f"the order written: put {target!r} behind it{edge}; back leads `goto: {target}`"


def branches(value: Json, _: Step) -> str | None:
    """Branches side by side: by name, or one by one, each as its first step is called."""
    if isinstance(value, dict) and isinstance(inner := cast(Step, value).get("branches"), list):
        value = cast(Json, inner)
    if isinstance(value, dict):
        names = [as_id(name) for name in cast(Step, value)]
    elif isinstance(value, list):
        names = [_branch(item, n) for n, item in enumerate(cast(list[Json], value))]
    else:
        return None
    return f"`parallel: {{{', '.join(f'{name}: […]' for name in names[:12])}}}`" if names else None


def _branch(item: Json, number: int) -> str:
    while isinstance(item, list) and item:
        item = cast(list[Json], item)[0]
    if isinstance(item, dict):
        branch = cast(Step, item)
        start = branch.get("StartAt")
        only = next(iter(branch)) if len(branch) == 1 else None
        only = None if only in ("sequence", "activity") else only
        name = start if isinstance(start, str) else id_of(branch) or only
        if name:
            return as_id(name)
    return f"branch{number + 1}"


def items(value: Json, step: Step) -> str | None:
    """A step for each of some items."""
    if isinstance(value, dict):
        given = cast(Step, value)
        if "in" in given:  # Serverless Workflow
            each = given.get("each")
            named = f", `as: {as_id(each)}`" if isinstance(each, str) else ""
            return f"`for_each: {_items(given['in'])}`{named}, with `steps: […]` beside it"
        return None
    if not isinstance(value, str | list):
        return None
    own = id_of(step)
    inner = f"[{{id: {own}, …}}]" if own else "[…]"
    return f"`for_each: {_items(value)}`, with `steps: {inner}` beside it"


def _items(value: Json) -> str:
    return condition(value) if isinstance(value, str) else shown(value)


def matrix(value: Json, _: Step) -> str | None:
    """A step for each of what a matrix says: an axis in the other."""
    if isinstance(value, dict) and isinstance(inner := cast(Step, value).get("matrix"), dict):
        value = cast(Json, inner)
    if not isinstance(value, dict):
        return None
    axes = [
        (name, cast(Json, axis))
        for name, axis in cast(Step, value).items()
        if isinstance(axis, str | list)
    ]
    written = [f"`for_each: {_items(axis)}`, `as: {as_id(name)}`" for name, axis in axes]
    if not written:
        return None
    return f"{', and in its steps '.join(written[:4])}, with `steps: […]` beside it"


_COMPARISONS = (
    ("LessThanEquals", "<="),
    ("GreaterThanEquals", ">="),
    ("LessThan", "<"),
    ("GreaterThan", ">"),
    ("Equals", "=="),
)


def choices(value: Json, step: Step) -> str | None:
    """Cases of Step Functions."""
    if not isinstance(value, list) or not value:
        return None
    cases: list[str] = []
    for item in cast(list[Json], value)[:8]:
        if not isinstance(item, dict):
            return None
        choice = cast(Step, item)
        cases.append(f"{{when: {_choice(choice)}, steps: [{_target(choice.get('Next'))}]}}")
    rest = f", `else: [{_target(step['Default'])}]`" if "Default" in step else ""
    return f"`switch: [{', '.join(cases)}]`{rest}"


def _choice(choice: Step) -> str:
    if isinstance(written := choice.get("Condition"), str):
        return condition(written)
    path = choice.get("Variable")
    if isinstance(path, str):
        for name, operand in choice.items():
            for end, sign in _COMPARISONS:
                if name.endswith(end):
                    quoted = shown(operand) if not isinstance(operand, str) else f'"{operand}"'
                    return f"{condition(path)} {sign} {quoted}"
    return "…"


def _target(name: Json) -> str:
    return f"{{id: {as_id(name)}, …}}" if isinstance(name, str) else "…"


def decisions(value: Json, step: Step) -> str | None:
    """Cases of Conductor: lists by the value of one expression."""
    if not isinstance(value, dict):
        return None
    asked = step.get("expression") or step.get("caseValueParam")
    given = step.get("inputParameters")
    if isinstance(given, dict) and isinstance(asked, str):
        asked = cast(Step, given).get(asked, asked)
    what = condition(asked) if isinstance(asked, str) else "…"
    cases = [f'{{when: {what} == "{name}", steps: […]}}' for name in list(cast(Step, value))[:8]]
    return f"`switch: [{', '.join(cases)}]`"


def undoing(value: Json, _: Step) -> str | None:
    """The task that undoes the step."""
    return f"`compensate: {{task: {value}}}`" if isinstance(value, str) else None


def failure(_: Json, step: Step) -> str | None:
    """An error of Step Functions: its code and message stand beside each other."""
    given = {"code": step.get("Error"), "message": step.get("Cause")}
    return f"`fail: {shown({k: v for k, v in given.items() if v is not None})}`"


def tolerance(unit: str) -> Form:
    """How many items may fail."""
    return lambda value, _: f"`tolerate: {shown(value)}{unit}`, of a for_each"


def pause(value: Json, _: Step) -> str | None:
    """A wait for a time."""
    return f"`sleep: {duration(value) or '30s'}`, a step of its own"


def signal(value: Json, _: Step) -> str | None:
    """A wait for something that has a name."""
    return f"`wait_for: {as_id(value)}`" if isinstance(value, str) and value else None


def child(value: Json, _: Step) -> str | None:
    """An instance of another workflow."""
    given = cast(Step, value) if isinstance(value, dict) else {"name": value}
    name = given.get("name") or given.get("workflowId")
    return f"`workflow: {as_id(name)}`, of a step" if isinstance(name, str) and name else None


def catch(value: Json, step: Step) -> str | None:
    """A try around the step, with what is caught and what follows."""
    own = id_of(step)
    if own is None:
        return None
    given = cast(list[Json], value) if isinstance(value, list) else [value]
    caught = ", ".join(_catch(item) for item in given[:6] or [None])
    handler = step.get("task")
    inner = f"task: {handler}, …" if isinstance(handler, str) else "…"
    around = f"{{id: try-{own}, try: [{{id: {own}, {inner}}}], catch: [{caught}]}}"
    return f"a `try` around the step: `{around}`"


def _catch(item: Json) -> str:
    given: Step = cast(Step, item) if isinstance(item, dict) else {}
    codes: Json = given.get("errors", given.get("ErrorEquals"))
    every = not isinstance(codes, list) or "States.ALL" in codes
    errors = "" if every else f"errors: {shown(codes)}, "
    return f"{{{errors}steps: [{_target(given.get('Next'))}]}}"


_ATTEMPTS = {
    **dict.fromkeys(("MaxAttempts", "limit", "retryCount", "retries", "count"), 1),
    **dict.fromkeys(("maximum_attempts", "maximumAttempts", "max_attempts"), 0),
}
"""Words for how often; those with 1 do not count the first time."""
_WAITS = ("IntervalSeconds", "initial_interval", "initialInterval", "delay", "duration")
_FACTORS = ("BackoffRate", "backoff_coefficient", "backoffCoefficient", "factor")


def retry(value: Json, _: Step) -> str | None:
    """A policy of retries, of a number or an object; of several the first."""
    if isinstance(value, list) and value:
        value = cast(list[Json], value)[0]
    flat: dict[str, Json] = {}
    given: Step = cast(Step, value) if isinstance(value, dict) else {"count": value}
    item: Json
    for name, item in given.items():
        flat |= cast(Step, item) if isinstance(item, dict) else {name: item}
    parts: list[str] = []
    for name, more in _ATTEMPTS.items():
        text = str(flat.get(name, ""))
        if re.fullmatch(r"\d{1,4}", text):
            parts = [f"attempts: {int(text) + more}"]
    waits = [duration(flat[name]) for name in _WAITS if name in flat]
    parts += [f"backoff: {wait}" for wait in waits[:1] if wait]
    parts += [f"factor: {shown(flat[name])}" for name in _FACTORS if name in flat][:1]
    return f"`retry: {{{', '.join(parts)}}}`, the first time counted" if parts else None


_RULES = {
    "all_success": "what holds anyway: leave it out",
    "none_failed": "what holds anyway, as a step that was skipped passes: leave it out",
    "none_failed_min_one_success": "what holds anyway, as a step that was skipped passes: leave "
    "it out",
    "all_done": "`on_failure: continue` of the steps that it needs",
    "always": "`on_failure: continue` of the steps that it needs",
    "one_success": "`parallel: {name: […], …}` with `join: 1`, before it",
    "one_failed": "`try: […]` around what it needs, with `catch: [{steps: […]}]` for this step",
    "all_failed": "`try: […]` around what it needs, with `catch: [{steps: […]}]` for this step",
}


def rule(value: Json, _: Step) -> str | None:
    """What must have become of the steps before."""
    return _RULES.get(value) if isinstance(value, str) else None


def going_on(value: Json, _: Step) -> str | None:
    """Going on behind a failure, or not."""
    return "what holds anyway: leave it out" if value is False else None


_LOOKS_LIKE = {
    "`task: name`, with a handler of that name in a worker": ("Task", "SIMPLE", "activity"),
    "`task: http.request`": ("HTTP",),
    "`set: …`": ("Pass", "SET_VARIABLE", "INLINE", "JSON_JQ_TRANSFORM", "LAMBDA", "NOOP"),
    "`switch: [{when: …, steps: […]}]`": ("Choice", "SWITCH", "DECISION", "switch"),
    "`parallel: {name: […], …}`": ("Parallel", "FORK_JOIN", "FORK", "fork"),
    "`for_each: …`, with `steps: […]`": ("Map", "FORK_JOIN_DYNAMIC", "DYNAMIC_FORK", "foreach"),
    "not needed: a `parallel` has ended when its branches have": ("JOIN", "EXCLUSIVE_JOIN"),
    "`repeat: […]`, with `while: …` or `until: …` beside it": ("DO_WHILE",),
    "`return: …`, or `fail: {code: …, message: …}`": ("TERMINATE",),
    "`return: …`, or the end of the list": ("Succeed",),
    "`fail: {code: …, message: …}`": ("Fail",),
}
_TYPES = {word: form for form, words in _LOOKS_LIKE.items() for word in words}


def kind(value: Json, _: Step) -> str | None:
    """The key that says what a `type` says."""
    form = _TYPES.get(value) if isinstance(value, str) else None
    if form is None:
        return None
    return f"told by a key: {value} is {form}"
