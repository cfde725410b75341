"""What users of other workflow languages write, each with what stands for it here.

Of GitHub Actions, Step Functions, Serverless Workflow, Argo, Airflow, Conductor and Temporal: keys
of a step, of a workflow, and of a policy of retries.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from ...json_text import Json
from . import forms, triggers
from .forms import Form, Step


class Word(NamedTuple):
    """A key of another language: our form of it, also with the value given; may hold steps."""

    form: str
    own: Form | None = None
    holds: bool = False

    def reason(self, word: str, value: Json, step: Step) -> str:
        """Return why it is refused where it stands."""
        own = self.own(value, step) if self.own else None
        return f"{word!r} is {own or self.form}"


Reason: TypeAlias = str | Word
"""Why an object has no such key."""


def _words(
    form: str, words: str, own: Form | None = None, *, holds: bool = False
) -> dict[str, Word]:
    return dict.fromkeys(words.split(), Word(form, own, holds))


def _left_out(why: str, words: str) -> dict[str, str]:
    return {word: f"{word!r} is {why}" for word in words.split()}


def later(*names: str) -> dict[str, str]:
    """Return the reasons why keys are refused that a later release may have."""
    return {name: f"{name!r} is not available in this release" for name in names}


_FOR_EACH = "`for_each: $.input.orders`, with `steps: […]` beside it"
_OF_STEPS: Final[Mapping[str, Reason]] = {
    **_words(
        "`when: $.input.total > 100`, of a step of any kind",
        "if condition runIf run_if",
        forms.when,
    ),
    **_words("`on_failure: continue` of the steps that it needs", "trigger_rule", forms.rule),
    **_words(
        "`task: name`, with a handler of that name in a worker",
        "call do_task function operator Resource uses activity activity_type activityType "
        "functionRef python_callable template templateRef action",
        forms.task,
        holds=True,
    ),
    **_words(
        "`task: name`, with a handler of that name in a worker, which runs it",
        "run script bash_command container resource sql cmd command",
    ),
    **_words(
        "`with: {…}`",
        "args arguments env inputs Arguments Parameters params parameters inputParameters "
        "op_kwargs Payload templated_input",
        forms.key("with"),
    ),
    **_words(
        "`steps: […]`, a block of the steps",
        "dag do group tasks sequence elements task_group States taskGroup",
        holds=True,
    ),
    **_words(
        "`switch: [{when: …, steps: […]}]`, with `else: […]` beside it",
        "case cases choice choices elif otherwise then_steps",
        holds=True,
    ),
    **_words(
        "`switch: [{when: …, steps: […]}]`, with `else: […]` beside it", "Choices", forms.choices
    ),
    **_words(
        "`switch: [{when: …, steps: […]}]`, with `else: […]` beside it",
        "decisionCases",
        forms.decisions,
        holds=True,
    ),
    **_words("`else: […]` beside a `switch`", "Default defaultCase", holds=True),
    **_words(
        "told by a key of its own: `task`, `switch`, `parallel`, `for_each`, `repeat` …",
        "type Type kind",
        forms.kind,
    ),
    **_words(
        "`parallel: {name: […], …}`", "branches Branches fork forkTasks", forms.branches, holds=True
    ),
    **_words(
        _FOR_EACH,
        "expand for foreach forEach ItemsPath Items items map with_items withItems withParam",
        forms.items,
    ),
    **_words(
        _FOR_EACH,
        "Iterator ItemProcessor Map withSequence dynamicForkTasksParam",
        holds=True,
    ),
    **_words(_FOR_EACH, "matrix strategy", forms.matrix),
    **_words(
        "`max_parallel: 10`, of a for_each",
        "concurrency max-parallel MaxConcurrency parallelism max_active_tis_per_dag",
        forms.key("max_parallel"),
    ),
    **_words("`tolerate: 3`, of a for_each", "ToleratedFailureCount", forms.tolerance("")),
    **_words("`tolerate: 10%`, of a for_each", "ToleratedFailurePercentage", forms.tolerance("%")),
    **_words("`tolerate: 100%`, of a for_each, where false", "fail-fast failFast"),
    **_words(
        "`needs: [a, b]`, or the order in which the steps are written",
        "after dependencies depends depends_on dependsOn upstream upstream_task_ids joinOn",
        forms.needs,
    ),
    **_words(
        "the order in which the steps are written, or `needs: [a]` of the step that follows",
        "next Next then transition downstream",
        forms.following,
    ),
    **_left_out("the end of the list; leave it out", "End end terminal"),
    **_words("`fail: {code: …, message: …}`", "raise throw"),
    **_words("`fail: {code: …, message: …}`, which has both", "Cause Error", forms.failure),
    **_words("`set: …`", "Pass Result assign variable", forms.key("set")),
    **_words(
        "`retry: {attempts: 5, backoff: 1s}`",
        "retries Retry retryStrategy retry_policy retryPolicy max_attempts retryCount",
        forms.retry,
    ),
    **_words(
        "`backoff: 5s`, in `retry: {…}`",
        "retry_delay retry_delay_sec retryDelaySeconds retryLogic retry_exponential_backoff",
    ),
    **_words("`timeout: 30s`", "timeout-minutes", forms.lasting("timeout", "m")),
    **_words(
        "`timeout: 30s`",
        "activeDeadlineSeconds execution_timeout execution_timeout_sec TimeoutSeconds "
        "start_to_close_timeout startToCloseTimeout timeoutSeconds responseTimeoutSeconds",
        forms.lasting("timeout", "s"),
    ),
    **_words(
        "`start_timeout: 5m`: how long it may be due until a worker has claimed it",
        "schedule_to_start_timeout scheduleToStartTimeout pollTimeoutSeconds",
        forms.lasting("start_timeout", "s"),
    ),
    **_words(
        "`total_timeout: 1h`: how long all of its attempts may take",
        "schedule_to_close_timeout scheduleToCloseTimeout totalTimeoutSeconds",
        forms.lasting("total_timeout", "s"),
    ),
    **_left_out(
        "not needed: a worker that dies is known by its lease",
        "HeartbeatSeconds heartbeat_timeout heartbeatTimeout",
    ),
    **_words(
        "`on_failure: continue`, with `default: …` for the output",
        "allow_failure continue-on-error continueOn ignore_errors optional",
        forms.going_on,
    ),
    **_words(
        "`try: […]` around the steps, with `catch: [{errors: […], steps: […]}]` beside it",
        "Catch catch except onError onErrors on_error rescue on_failure_callback",
        forms.catch,
    ),
    **_words(
        "`repeat: […]`, with `until: …` or `while: …` beside it",
        "dountil dowhile doWhile loop loopOver",
        holds=True,
    ),
    **_words("`while: …` or `until: …`, of a `repeat`", "loopCondition"),
    **_words("`repeat: […]`, with `until: …` and `delay: 30s`", "poke_interval mode", None),
    **_words("`goto: id`, a step of its own", "branch jump"),
    **_words(
        "`compensate: {task: …}`",
        "rollback undo undo_task compensation compensatedBy",
        forms.undoing,
    ),
    **_words("`id: …`", "name task_id taskReferenceName activity_id", forms.identity),
    **_words("`queue: …`", "runs-on task_queue taskQueue pool nodeSelector", forms.key("queue")),
    **_words(
        "an expression: name $.steps.<id>.output where it is used, or put a `set` behind it",
        "ResultPath ResultSelector OutputPath InputPath outputs export outputParameters "
        "result output_key Output Assign",
    ),
    **_words("`description: …`", "Comment doc_md displayName", forms.key("description")),
    **_words(
        "in the expressions themselves: write $.steps.<id>.output where a value is used",
        "evaluatorType expression caseValueParam QueryLanguage Variable",
    ),
    **_left_out(
        "for the machines that run it: leave it to the worker",
        "image shell working-directory services volumes resources environment permissions",
    ),
}
_FINALLY = (
    "is not available in this release; write `{id: work, try: […], catch: [{steps: []}]}`, behind "
    "it what always runs, and behind that `{id: failed, when: $.steps.work.caught != null, fail: "
    "{code: $.steps.work.caught}}`"
)
_SIGNAL = "is not available in this release; a step `wait_for: paid` waits for a signal"
_CLOCK = "for the workflow to say: `on: [{id: nightly, schedule: {cron: …}}]` beside its `steps`"


def _not_yet(why: str, words: str) -> dict[str, str]:
    return {word: f"{word!r} {why}" for word in words.split()}


_LATER: Final[Mapping[str, Reason]] = {
    **_not_yet(_FINALLY, "finally always onExit ensure"),
    **_words(
        "`sleep: 30s`, a step of its own",
        "wait Wait Seconds delay_seconds startDelay timer",
        forms.pause,
    ),
    **_words(
        "`wait_for: paid`, a step of its own that waits for a signal of that name",
        "signal listen suspend event wait_for_event waitForEvent",
        forms.signal,
    ),
    **_words(
        "`approve: {title: …, to: [managers]}`, a step of its own",
        "approval manual_approval human human_task userTask",
    ),
    **_words(
        "`workflow: ship-order`, of a step, with `with` beside it",
        "subWorkflow subWorkflowParam child_workflow subflow trigger_dag_id",
        forms.child,
    ),
    **_words(
        "`workflow: …` with `detach: true`, of the last step: the next instance begins as this "
        "one ends",
        "continue_as_new",
    ),
    **_left_out(_CLOCK, "schedule"),
    **_not_yet("is a task of yours that publishes, such as `task: kafka.publish`", "emit sink"),
}
OF_A_STEP: Final[Mapping[str, Reason]] = {**_OF_STEPS, **_LATER}
"""Why a step of any kind has no such key."""
OF_A_WORKFLOW: Final[Mapping[str, Reason]] = {
    **later("limit", "priority", "vars"),
    **_not_yet(_FINALLY, "finally onExit"),
    **_words("`signals: {paid: null}`, with a JSON Schema or null of each payload", "signal"),
    **_not_yet(_SIGNAL, "queries query"),
    **_words(
        triggers.SCHEDULE,
        "schedule schedules triggers schedule_interval cron timetable cronWorkflow",
        triggers.schedule,
    ),
    **_words("`catch_up: 1h`, in `schedule: {…}` of an entry of `on`", "catchup"),
    **_left_out(
        "not needed: a schedule plans from when it is deployed; `onceflow schedule backfill` "
        "starts what lies before",
        "start_date schedule_to_start end_date",
    ),
    **_words(
        "`steps: […]`, of which each says what it is",
        "dag do jobs States tasks templates root sequence activities nodes spec",
        holds=True,
    ),
    **_left_out(
        "not needed: it begins with the first of `steps`, or with all that need none",
        "entrypoint StartAt start",
    ),
    **_words("`name: …`", "metadata document id dag_id workflow_id workflowId", None),
    **_words("`description: …`", "Comment doc_md run-name", forms.key("description")),
    **_words(
        "`deadline: 1h`",
        "timeout TimeoutSeconds timeoutSeconds activeDeadlineSeconds "
        "dagrun_timeout workflow_execution_timeout execution_timeout",
        forms.lasting("deadline", "s"),
    ),
    **_words(
        "`input: {type: object, properties: {…}}`, a JSON Schema",
        "inputs inputParameters params parameters arguments inputSchema variables inputTemplate",
    ),
    **_words(
        "`output: {…}`, with expressions that name steps",
        "outputs outputParameters Output",
        forms.key("output"),
    ),
    **_words(
        "`on_failure: compensate`, with `compensate: {task: …}` of the steps, or a `try` around "
        "them",
        "catch Catch failureWorkflow on_failure_callback compensations saga onError",
    ),
    **_left_out(
        "for each step to say: give the steps that need it `retry`, `timeout` or `queue`",
        "defaults default_args env retry retry_policy retryPolicy taskQueue task_queue use",
    ),
    **_left_out(
        "not available in this release; a `for_each` has `max_parallel`",
        "concurrency parallelism max_active_runs max_active_tasks",
    ),
    **_left_out(
        "not needed: the file is a workflow of ours",
        "apiVersion kind schemaVersion dsl QueryLanguage ownerEmail restartable timeoutPolicy "
        "permissions namespace tags",
    ),
    "version": "the engine numbers versions; leave `version` out",
    "Version": "the engine numbers versions; leave it out",
}
"""Why a workflow has no such key."""
_RETRY_FORMS: Final = {
    "`attempts`, which counts the first time too": (
        "MaxAttempts maximum_attempts maximumAttempts max_attempts maxAttempts limit count retries "
        "retryCount times"
    ),
    "`backoff`, the first wait, such as 1s": (
        "IntervalSeconds initial_interval initialInterval delay interval retryDelaySeconds wait"
    ),
    "`factor`": "BackoffRate backoff_coefficient backoffCoefficient multiplier exponent",
    "`max`, the longest wait": "MaxDelaySeconds maximum_interval maximumInterval maxDelay",
    "`jitter: 0.2`": "JitterStrategy",
    "`non_retryable: [codes]`": (
        "non_retryable_error_types nonRetryableErrorTypes non_retryable_errors"
    ),
    "`non_retryable`, which names those after which it is not": "ErrorEquals errors on when",
}
OF_A_RETRY: Final[Mapping[str, Reason]] = {
    word: Word(form) for form, words in _RETRY_FORMS.items() for word in words.split()
}
"""Why a policy of retries has no such key."""


def without(table: Mapping[str, Reason], names: Iterable[str]) -> dict[str, Reason]:
    """Return a table without some words."""
    return {word: reason for word, reason in table.items() if word not in set(names)}
