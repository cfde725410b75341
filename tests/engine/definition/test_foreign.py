"""Workflows as users of other engines would write them: each fault shows how to write it here."""

from pathlib import Path

import pytest

from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.errors import DefinitionError

FOLDER = Path(__file__).parent / "foreign"
TELL: dict[str, tuple[str, ...]] = {
    "airflow/expand.yaml": (
        "/steps/1/expand (line 7, column 5): 'expand' is `for_each: $.steps.list.output`, with "
        "`steps: [{id: load, …}]` beside it",
        "'task_id' is `id: load`", "'pool' is `queue: small`", "as a step that was skipped passes",
    ),
    "airflow/factory.yaml": (
        "write `name: daily_load`, and its keys beside it", "'dependencies' is `needs: [extract]`",
        "'operator' is `task: BashOperator`", "'trigger_rule' is `on_failure: continue` of the",
    ),
    "airflow/sensor.yaml": (
        "'poke_interval' is `repeat: […]`, with `until: …`", "'execution_timeout' is `timeout: 36",
        "`{id: try-wait, try: [{id: wait, …}], catch: [{steps: […]}]}`",
    ),
    "airflow/tasks.yaml": (
        "'dag_id' is `name: …`", "'retries' is `retry: {attempts: 4}`", "'upstream' is `needs: [re",
        "'params' is `with: {text: $.steps.read.output}`",
    ),
    "argo/dag.yaml": (
        "/spec/templates/1/dag/tasks/2/depends (line 14, column 23): 'depends' is `needs: [A, B]`",
        "'template' is `task: echo`", "'name' is `id: B`",
    ),
    "argo/loop.yaml": (
        "'withItems' is `for_each: [ada, bob]`, with `steps: [{id: greet, …}]` beside it",
        "'retryStrategy' is `retry: {attempts: 4}`", "'activeDeadlineSeconds' is `timeout: 60s`",
    ),
    "argo/sequence.yaml": (
        "'withSequence' is `for_each: ", "'suspend' is `wait_for: paid`",
    ),
    "argo/steps.yaml": (
        "'withParam' is `for_each: $.steps.generate.output`, with `steps: [{id: each, …}]`",
        "'onExit' is not available in this release; write `{id: work, try: […], catch: [{steps: [",
    ),
    "conductor/fork.json": (
        "'forkTasks' is `parallel: {mail: […], sms: […]}`", "JOIN is not needed: a `parallel` has",
        "'optional' is `on_failure: continue`",
    ),
    "conductor/loop.json": (
        "DO_WHILE is `repeat: […]`", "HTTP is `task: http.request`", "'name' is `task: ask_job`",
    ),
    "conductor/order.json": (
        '`switch: [{when: $.steps.validate.output.kind == "digital", steps: […]',
        "'inputParameters' is `with: {order: $.input.order}`", "'retryCount' is `retry: {attempts",
        "'outputParameters' is `output: {kind: $.steps.validate.output.kind}`",
    ),
    "conductor/steps.yaml": (
        "'taskReferenceName' is `id: files`", "'name' is `task: list_files`",
        "FORK_JOIN_DYNAMIC is `for_each: …`", "'subWorkflowParam' is `workflow: ",
    ),
    "github_actions/ci.yaml": (
        "/jobs (line 3, column 1): 'jobs' is `steps: […]`", "'timeout-minutes' is `timeout: 10m`",
        "'strategy' is `for_each: [\"3.11\", \"3.12\"]`, `as: python`, with `steps: […]`",
        "'uses' is `task: checkout`",
    ),
    "github_actions/dispatch.yaml": (
        "/on (line 3, column 3): must be a list of what starts it",
        '`on: [{id: schedule, schedule: {cron: "0 3 * * *"}}]`',
        "'runs-on' is `queue: big`",
    ),
    "github_actions/matrix.yaml": (
        "`for_each: [linux, windows]`, `as: os`, and in its steps `for_each: [x64, arm]`, `as: arc",
    ),
    "github_actions/steps.yaml": (
        "/steps/1/if (line 9, column 5): 'if' is `when: $.steps.build.output.size > 0`",
        "'env' is `with: {TARGET: $.input.target}`", "'continue-on-error' is `on_failure: continue",
    ),
    "serverless_workflow/fork.yaml": (
        "write `id: both`", "'fork' is `parallel: {mail: […], sms: […]}`",
        "'wait' is `sleep: 5s`, a step of its own",
    ),
    "serverless_workflow/loop.yaml": (
        "'for' is `for_each: $.input.bills`, `as: bill`", "'timeout' is `deadline: 15m`",
    ),
    "serverless_workflow/order.yaml": (
        "'if' is `when: $.input.order.total > 0`", "'call' is `task: packOrder`",
        "'then' is the order written: put 'pack' behind it",
    ),
    "serverless_workflow/try.yaml": (
        "write `id: fetch`", "must be a list of at least one catch, each {errors: …, steps: […]}",
    ),
    "step_functions/fanout.json": (
        "'Branches' is `parallel: {Flight: […], Hotel: […]}`", "'TimeoutSeconds' is `deadline: 300",
        "'TimeoutSeconds' is `timeout: 60s`", "'ResultPath' is an expression",
    ),
    "step_functions/map.json": (
        "'ItemsPath' is `for_each: $.input.orders`, with `steps: [{id: Each, …}]` beside it",
        "'MaxConcurrency' is `max_parallel: 10`", "'ToleratedFailurePercentage' is `tolerate: 5%`",
        "'Parameters' is `with: {order: $.item}`",
    ),
    "step_functions/order.json": (
        "'Choices' is `switch: [{when: $.input.total > 1000, steps: [{id: AskManager, …}]}]`, "
        "`else: [{id: ChargeCard, …}]`",
        "`{id: try-ChargeCard, try: [{id: ChargeCard, …}], catch: [{errors: [CardDeclined], steps",
        "'Retry' is `retry: {attempts: 4, backoff: 2s, factor: 2}`",
    ),
    "step_functions/steps.yaml": (
        "`{id: try-charge, try: [{id: charge, task: card.charge, …}], catch: [{steps: [{id: Refund",
        "'Retry' is `retry: {attempts: 3, backoff: 1s}`",
    ),
    "step_functions/wait.yaml": (
        "`switch: [{when: $.input.status == \"done\", steps: [{id: Done, …}]}]`",
        "'Seconds' is `sleep: 30s`",
        "'Error' is `fail: {code: job.broken, message: \"It broke\"}`", "back leads `goto: Ask`",
    ),
    "temporal/activity.yaml": (
        "'retry_policy' is `retry: {attempts: 5, backoff: 1s, factor: 2}`",
        "'schedule_to_start_timeout' is `start_timeout: 300s`",
        "'schedule_to_close_timeout' is `total_timeout: 3600s`",
        "'activity' is `task: Withdraw`", "'args' is `with: {account: $.input.account}`",
    ),
    "temporal/dsl.yaml": (
        "'sequence' is `steps: […]`", "'root' is `steps: […]`", "'branches' is `parallel: {branch1",
    ),
    "temporal/loop.yaml": ("'loop' is `repeat: […]`", "'activity' is `task: ChargeMonth`"),
    "temporal/saga.yaml": (
        "'compensation' is `compensate: {task: CancelFlight}`", "'finally' is not available",
        "'saga' is `on_failure: compensate`", "'nonRetryableErrorTypes' is `non_retryable: [codes",
    ),
    "temporal/signal.yaml": ("'signal' is `wait_for: approved`", "'queries' is not"),
}  # fmt: skip
"""By document: what its faults must tell, among what else they do."""


def test_every_document_is_told_of() -> None:
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.*") if path.is_file()}
    assert found == TELL.keys()
    assert len(found) == 30


@pytest.mark.parametrize("name", TELL)
def test_a_document_of_another_engine(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    with pytest.raises(DefinitionError) as refused:
        compile_definition(parse(text, "json" if name.endswith("json") else "yaml"))
    faults = [str(fault) for fault in refused.value.faults]
    assert [tell for tell in TELL[name] if not any(tell in fault for fault in faults)] == []
    assert [fault for fault in faults if "has no key" in fault] == []
