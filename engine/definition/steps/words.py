"""What users of other workflow languages write, each with what stands for it here.

Of GitHub Actions, Step Functions, Serverless Workflow, Argo and Airflow; keys of a step, and of a
workflow.
"""

from collections.abc import Mapping
from typing import Final

_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "`when: $.input.total > 100`, of a step of any kind": ("if", "condition", "trigger_rule"),
    "`task: name`, with a handler of that name in a worker": (
        *("call", "do_task", "function", "operator", "Resource", "run", "script", "template"),
        "uses",
    ),
    "`with: {…}`": ("args", "arguments", "env", "inputs", "Parameters", "params"),
    "`steps: […]`, a block of the steps": ("dag", "do", "group", "tasks"),
    "`switch: [{when: …, steps: […]}]`, with `else: […]` beside it": (
        *("case", "cases", "choice", "choices", "Choices", "Default", "elif", "otherwise", "then"),
    ),
    "`parallel: {name: […], …}`": ("branches", "Branches", "fork"),
    "`for_each: $.input.orders`, with `steps: […]` beside it": (
        *("expand", "for", "foreach", "forEach", "ItemProcessor", "ItemsPath", "Iterator"),
        *("map", "Map", "matrix", "strategy", "withItems", "withParam", "withSequence"),
    ),
    "`max_parallel: 10`, of a for_each": (
        *("concurrency", "max-parallel", "MaxConcurrency", "parallelism"),
    ),
    "`tolerate: 3` or `tolerate: 10%`, of a for_each": (
        *("ToleratedFailureCount", "ToleratedFailurePercentage"),
    ),
    "`needs: [a, b]`, or the order in which the steps are written": (
        *("after", "dependencies", "depends", "depends_on", "End", "next", "Next", "upstream"),
    ),
    "`fail: {code: …, message: …}`": ("Cause", "Error", "raise", "throw"),
    "`set: …`": ("Pass", "Result"),
    "`retry: {attempts: 5, backoff: 1s}`": (
        *("retries", "Retry", "retry_delay", "retryStrategy", "max_attempts"),
    ),
    "`timeout: 30s`": (
        *("activeDeadlineSeconds", "execution_timeout", "timeout-minutes", "TimeoutSeconds"),
    ),
    "`on_failure: continue`, with `default: …` for the output": (
        *("allow_failure", "continue-on-error", "continueOn", "ignore_errors"),
    ),
    "`try: […]` around the steps, with `catch: [{errors: […], steps: […]}]` beside it": (
        *("Catch", "catch", "except", "onError", "rescue"),
    ),
    "`repeat: […]`, with `until: …` or `while: …` beside it": ("dountil", "dowhile", "loop"),
    "`goto: id`, a step of its own": ("branch", "jump", "transition"),
    "`compensate: {task: …}`": ("rollback", "undo_task"),
    "`id: …`": ("name", "task_id"),
}
_OF_STEPS: Final[Mapping[str, str]] = {
    word: f"{word!r} is {form}" for form, words in _FORMS.items() for word in words
}
_NOT_YET: Final = (*("finally", "schedule", "signal", "sleep", "wait", "Wait", "workflow"),)


def later(*names: str) -> dict[str, str]:
    """Return the reasons why keys are refused that a later release may have."""
    return {name: f"{name!r} is not available in this release" for name in names}


OF_A_STEP: Final[Mapping[str, str]] = {**_OF_STEPS, **later(*_NOT_YET)}
"""Why a step of any kind has no such key."""
OF_A_WORKFLOW: Final[Mapping[str, str]] = {
    **later("catch", "concurrency", "finally", "limit", "priority", "schedule", "schedules"),
    **later("signals", "timeout", "triggers", "vars"),
    **{
        word: f"{word!r} is `steps: […]`, of which each says what it is"
        for word in ("dag", "do", "jobs", "States", "tasks", "templates")
    },
    **{
        word: f"{word!r} is not needed: it begins with the first of `steps`, or with all that "
        "need none"
        for word in ("entrypoint", "StartAt")
    },
    "version": "the engine numbers versions; leave `version` out",
}
"""Why a workflow has no such key."""
