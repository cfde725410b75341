"""The state × function table, written by hand, as it stands in docs/state-machine.md.

A cell says what a function does to a task (or an instance) in the state of its row::

    answer → task's new state · instance's new state

``→`` and ``·`` are there only where the task's (a new line in its log) or the instance's state changes.
``—``: the function gives no answer for one task, and nothing changes.
"""

# ruff: noqa: E501 - a row of a Markdown table is one line

from . import state_table_of_chains as chains
from .waits import state_table as waits

BY_WORKERS = (
    """
| task / instance | claim_tasks | take_tasks | complete_tasks | fail_tasks, retryable | fail_tasks, for good | give_back_tasks | defer_tasks |
|---|---|---|---|---|---|---|---|
| WAITING, a join / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, its turn / COMPENSATING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, its start / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, a sleep / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, a signal / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, an answer / RUNNING | skipped | skipped | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING | repeated | repeated |
| WAITING, an answer / RUNNING, suspended | skipped | skipped | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING, suspended | repeated | repeated |
| WAITING, an answer / COMPENSATING | skipped | skipped | accepted → SUCCEEDED · CANCELLED | accepted → RETRYING | accepted → DEAD_LETTER · COMPENSATING, dead letter | repeated | repeated |
| READY / RUNNING, suspended | skipped | skipped | stale | stale | stale | stale | stale |
| READY / COMPENSATING, suspended | skipped | skipped | stale | stale | stale | stale | stale |
| READY, no handler / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| READY, its queue paused / RUNNING | skipped | — | stale | stale | stale | stale | stale |
| READY, its queue paused / COMPENSATING | skipped | — | stale | stale | stale | stale | stale |
| READY, its queue resumed / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| QUEUED / RUNNING | granted → RUNNING | granted → RUNNING | stale | stale | stale | stale | stale |
| QUEUED / COMPENSATING | granted → RUNNING | granted → RUNNING | stale | stale | stale | stale | stale |
| QUEUED, no handler / RUNNING | held → READY | held → READY | stale | stale | stale | stale | stale |
| QUEUED, its queue paused / RUNNING | held → READY | — | stale | stale | stale | stale | stale |
| QUEUED, its queue paused / COMPENSATING | held → READY | — | stale | stale | stale | stale | stale |
| RUNNING / RUNNING | skipped | skipped | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING | accepted → QUEUED | accepted → WAITING |
| RUNNING, its queue paused / RUNNING | skipped | — | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING | accepted → QUEUED | accepted → WAITING |
| RUNNING / RUNNING, suspended | skipped | skipped | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING, suspended | accepted → READY | accepted → WAITING |
| RUNNING, continues / RUNNING | skipped | skipped | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → FAILED · SUCCEEDED | accepted → QUEUED | accepted → WAITING |
| RUNNING / CLOSING | skipped | skipped | accepted → SUCCEEDED · COMPENSATING | accepted → CANCELLED · COMPENSATING | accepted → CANCELLED · COMPENSATING | accepted → CANCELLED · COMPENSATING | accepted → CANCELLED · COMPENSATING |
| RUNNING / COMPENSATING | skipped | skipped | accepted → SUCCEEDED · CANCELLED | accepted → RETRYING | accepted → DEAD_LETTER · COMPENSATING, dead letter | accepted → QUEUED | accepted → WAITING |
| RUNNING / COMPENSATING, suspended | skipped | skipped | accepted → SUCCEEDED · CANCELLED | accepted → RETRYING | accepted → DEAD_LETTER | accepted → READY | accepted → WAITING |
| RETRYING / RUNNING | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| RETRYING, its queue paused / RUNNING | skipped | — | repeated | repeated | repeated | repeated | repeated |
| RETRYING / RUNNING, suspended | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| RETRYING / COMPENSATING | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| RETRYING / COMPENSATING, suspended | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| DEAD_LETTER / RUNNING, dead letter | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| DEAD_LETTER / RUNNING, suspended | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| DEAD_LETTER / COMPENSATING, dead letter | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| DEAD_LETTER, of a set / RUNNING, dead letter | skipped | skipped | stale | stale | stale | stale | stale |
| DEAD_LETTER, record / COMPENSATING | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| DEAD_LETTER, record / COMPENSATED | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| SUCCEEDED / RUNNING | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| SUCCEEDED / CLOSING | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| SUCCEEDED / COMPENSATING | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| SUCCEEDED / SUCCEEDED | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| SKIPPED, by its when / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| SKIPPED, by an operator / RUNNING | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| CANCELLED / CLOSING | skipped | skipped | stale | stale | stale | stale | stale |
| CANCELLED / CANCELLED | skipped | skipped | stale | stale | stale | stale | stale |
| FAILED / RUNNING | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| no such task / RUNNING | unknown | quarantined | stale | stale | stale | stale | stale |
| WAITING, a block / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| DEAD_LETTER, of a block / RUNNING, dead letter | skipped | skipped | stale | stale | stale | stale | stale |
| DEAD_LETTER, a block's timeout / RUNNING, dead letter | skipped | skipped | stale | stale | stale | stale | stale |
| RUNNING, of an item / RUNNING | skipped | skipped | accepted → SUCCEEDED | accepted → RETRYING | accepted → FAILED | accepted → QUEUED | accepted → WAITING |
| DEAD_LETTER, of an item / RUNNING, dead letter | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| RUNNING, of a loser / RUNNING | skipped | skipped | accepted → SUCCEEDED | accepted → CANCELLED | accepted → CANCELLED | accepted → CANCELLED | accepted → CANCELLED |
| QUEUED, undoing an item / RUNNING | granted → RUNNING | granted → RUNNING | stale | stale | stale | stale | stale |
| DEAD_LETTER, undoing an item / RUNNING, dead letter | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
"""
    + chains.BY_WORKERS.lstrip()
    + waits.BY_WORKERS.lstrip()
)

FROM_OUTSIDE = (
    """
| task / instance | complete_deferred_tasks | fail_deferred_tasks, retryable | fail_deferred_tasks, for good |
|---|---|---|---|
| WAITING, a join / RUNNING | stale | stale | stale |
| WAITING, its turn / COMPENSATING | stale | stale | stale |
| WAITING, its start / RUNNING | stale | stale | stale |
| WAITING, a sleep / RUNNING | stale | stale | stale |
| WAITING, a signal / RUNNING | stale | stale | stale |
| WAITING, an answer / RUNNING | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING |
| WAITING, an answer / RUNNING, suspended | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING, suspended |
| WAITING, an answer / COMPENSATING | accepted → SUCCEEDED · CANCELLED | accepted → RETRYING | accepted → DEAD_LETTER · COMPENSATING, dead letter |
| READY / RUNNING, suspended | stale | stale | stale |
| READY / COMPENSATING, suspended | stale | stale | stale |
| READY, no handler / RUNNING | stale | stale | stale |
| READY, its queue paused / RUNNING | stale | stale | stale |
| READY, its queue paused / COMPENSATING | stale | stale | stale |
| READY, its queue resumed / RUNNING | stale | stale | stale |
| QUEUED / RUNNING | stale | stale | stale |
| QUEUED / COMPENSATING | stale | stale | stale |
| QUEUED, no handler / RUNNING | stale | stale | stale |
| QUEUED, its queue paused / RUNNING | stale | stale | stale |
| QUEUED, its queue paused / COMPENSATING | stale | stale | stale |
| RUNNING / RUNNING | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING |
| RUNNING, its queue paused / RUNNING | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING |
| RUNNING / RUNNING, suspended | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING, suspended |
| RUNNING, continues / RUNNING | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → FAILED · SUCCEEDED |
| RUNNING / CLOSING | accepted → SUCCEEDED · COMPENSATING | accepted → CANCELLED · COMPENSATING | accepted → CANCELLED · COMPENSATING |
| RUNNING / COMPENSATING | accepted → SUCCEEDED · CANCELLED | accepted → RETRYING | accepted → DEAD_LETTER · COMPENSATING, dead letter |
| RUNNING / COMPENSATING, suspended | accepted → SUCCEEDED · CANCELLED | accepted → RETRYING | accepted → DEAD_LETTER |
| RETRYING / RUNNING | repeated | repeated | repeated |
| RETRYING, its queue paused / RUNNING | repeated | repeated | repeated |
| RETRYING / RUNNING, suspended | repeated | repeated | repeated |
| RETRYING / COMPENSATING | repeated | repeated | repeated |
| RETRYING / COMPENSATING, suspended | repeated | repeated | repeated |
| DEAD_LETTER / RUNNING, dead letter | repeated | repeated | repeated |
| DEAD_LETTER / RUNNING, suspended | repeated | repeated | repeated |
| DEAD_LETTER / COMPENSATING, dead letter | repeated | repeated | repeated |
| DEAD_LETTER, of a set / RUNNING, dead letter | stale | stale | stale |
| DEAD_LETTER, record / COMPENSATING | repeated | repeated | repeated |
| DEAD_LETTER, record / COMPENSATED | repeated | repeated | repeated |
| SUCCEEDED / RUNNING | repeated | repeated | repeated |
| SUCCEEDED / CLOSING | repeated | repeated | repeated |
| SUCCEEDED / COMPENSATING | repeated | repeated | repeated |
| SUCCEEDED / SUCCEEDED | repeated | repeated | repeated |
| SKIPPED, by its when / RUNNING | stale | stale | stale |
| SKIPPED, by an operator / RUNNING | repeated | repeated | repeated |
| CANCELLED / CLOSING | stale | stale | stale |
| CANCELLED / CANCELLED | stale | stale | stale |
| FAILED / RUNNING | repeated | repeated | repeated |
| no such task / RUNNING | stale | stale | stale |
| WAITING, a block / RUNNING | stale | stale | stale |
| DEAD_LETTER, of a block / RUNNING, dead letter | stale | stale | stale |
| DEAD_LETTER, a block's timeout / RUNNING, dead letter | stale | stale | stale |
| RUNNING, of an item / RUNNING | accepted → SUCCEEDED | accepted → RETRYING | accepted → FAILED |
| DEAD_LETTER, of an item / RUNNING, dead letter | repeated | repeated | repeated |
| RUNNING, of a loser / RUNNING | accepted → SUCCEEDED | accepted → CANCELLED | accepted → CANCELLED |
| QUEUED, undoing an item / RUNNING | stale | stale | stale |
| DEAD_LETTER, undoing an item / RUNNING, dead letter | repeated | repeated | repeated |
"""
    + chains.FROM_OUTSIDE.lstrip()
    + waits.FROM_OUTSIDE.lstrip()
)

BY_THE_CLOCK = (
    """
| task / instance | clock, an hour later | clock, its worker dead | renew_worker, its token unknown | stop_worker | requeue_lost_tasks |
|---|---|---|---|---|---|
| WAITING, a join / RUNNING | — | — | — | — | — |
| WAITING, its turn / COMPENSATING | — | — | — | — | — |
| WAITING, its start / RUNNING | → QUEUED | — | — | — | — |
| WAITING, a sleep / RUNNING | → SUCCEEDED · SUCCEEDED | — | — | — | — |
| WAITING, a signal / RUNNING | → DEAD_LETTER, record · COMPENSATED | — | — | — | — |
| WAITING, an answer / RUNNING | → RETRYING | — | — | — | — |
| WAITING, an answer / RUNNING, suspended | → RETRYING | — | — | — | — |
| WAITING, an answer / COMPENSATING | → RETRYING | — | — | — | — |
| READY / RUNNING, suspended | — | — | — | — | — |
| READY / COMPENSATING, suspended | — | — | — | — | — |
| READY, no handler / RUNNING | → QUEUED | — | — | — | — |
| READY, its queue paused / RUNNING | — | — | — | — | — |
| READY, its queue paused / COMPENSATING | — | — | — | — | — |
| READY, its queue resumed / RUNNING | → QUEUED | → QUEUED | — | — | — |
| QUEUED / RUNNING | — | — | — | — | → QUEUED |
| QUEUED / COMPENSATING | — | — | — | — | → QUEUED |
| QUEUED, no handler / RUNNING | — | — | — | — | → QUEUED |
| QUEUED, its queue paused / RUNNING | — | — | — | — | → QUEUED |
| QUEUED, its queue paused / COMPENSATING | — | — | — | — | → QUEUED |
| RUNNING / RUNNING | → RETRYING | → RETRYING | → QUEUED | → QUEUED | — |
| RUNNING, its queue paused / RUNNING | → RETRYING | → RETRYING | → QUEUED | → QUEUED | — |
| RUNNING / RUNNING, suspended | → RETRYING | → RETRYING | → READY | → READY | — |
| RUNNING, continues / RUNNING | — | → RETRYING | → QUEUED | → QUEUED | — |
| RUNNING / CLOSING | → CANCELLED · COMPENSATING | → CANCELLED · COMPENSATING | → CANCELLED · COMPENSATING | → CANCELLED · COMPENSATING | — |
| RUNNING / COMPENSATING | → RETRYING | → RETRYING | → QUEUED | → QUEUED | — |
| RUNNING / COMPENSATING, suspended | → RETRYING | → RETRYING | → READY | → READY | — |
| RETRYING / RUNNING | → QUEUED | — | — | — | — |
| RETRYING, its queue paused / RUNNING | → QUEUED | — | — | — | — |
| RETRYING / RUNNING, suspended | → READY | — | — | — | — |
| RETRYING / COMPENSATING | → QUEUED | — | — | — | — |
| RETRYING / COMPENSATING, suspended | → READY | — | — | — | — |
| DEAD_LETTER / RUNNING, dead letter | — | — | — | — | — |
| DEAD_LETTER / RUNNING, suspended | — | — | — | — | — |
| DEAD_LETTER / COMPENSATING, dead letter | — | — | — | — | — |
| DEAD_LETTER, of a set / RUNNING, dead letter | — | — | — | — | — |
| DEAD_LETTER, record / COMPENSATING | — | — | — | — | — |
| DEAD_LETTER, record / COMPENSATED | — | — | — | — | — |
| SUCCEEDED / RUNNING | — | — | — | — | — |
| SUCCEEDED / CLOSING | — | · COMPENSATING | · COMPENSATING | · COMPENSATING | — |
| SUCCEEDED / COMPENSATING | — | — | — | — | — |
| SUCCEEDED / SUCCEEDED | — | — | — | — | — |
| SKIPPED, by its when / RUNNING | — | — | — | — | — |
| SKIPPED, by an operator / RUNNING | — | — | — | — | — |
| CANCELLED / CLOSING | — | · CANCELLED | · CANCELLED | · CANCELLED | — |
| CANCELLED / CANCELLED | — | — | — | — | — |
| FAILED / RUNNING | — | — | — | — | — |
| no such task / RUNNING | — | — | — | — | — |
| WAITING, a block / RUNNING | — | — | — | — | — |
| DEAD_LETTER, of a block / RUNNING, dead letter | — | — | — | — | — |
| DEAD_LETTER, a block's timeout / RUNNING, dead letter | — | — | — | — | — |
| RUNNING, of an item / RUNNING | → RETRYING | → RETRYING | → QUEUED | → QUEUED | — |
| DEAD_LETTER, of an item / RUNNING, dead letter | — | — | — | — | — |
| RUNNING, of a loser / RUNNING | — | → CANCELLED | → CANCELLED | → CANCELLED | — |
| QUEUED, undoing an item / RUNNING | — | — | — | — | → QUEUED |
| DEAD_LETTER, undoing an item / RUNNING, dead letter | — | — | — | — | — |
"""
    + chains.BY_THE_CLOCK.lstrip()
    + waits.BY_THE_CLOCK.lstrip()
)

BY_OPERATORS_ON_DEAD_LETTERS = (
    """
| task / instance | redrive_dead_letters | skip_dead_letters | discard_dead_letters |
|---|---|---|---|
| WAITING, a join / RUNNING | refused | refused | refused |
| WAITING, its turn / COMPENSATING | refused | refused | refused |
| WAITING, its start / RUNNING | refused | refused | refused |
| WAITING, a sleep / RUNNING | refused | refused | refused |
| WAITING, a signal / RUNNING | refused | refused | refused |
| WAITING, an answer / RUNNING | refused | refused | refused |
| WAITING, an answer / RUNNING, suspended | refused | refused | refused |
| WAITING, an answer / COMPENSATING | refused | refused | refused |
| READY / RUNNING, suspended | refused | refused | refused |
| READY / COMPENSATING, suspended | refused | refused | refused |
| READY, no handler / RUNNING | refused | refused | refused |
| READY, its queue paused / RUNNING | refused | refused | refused |
| READY, its queue paused / COMPENSATING | refused | refused | refused |
| READY, its queue resumed / RUNNING | refused | refused | refused |
| QUEUED / RUNNING | refused | refused | refused |
| QUEUED / COMPENSATING | refused | refused | refused |
| QUEUED, no handler / RUNNING | refused | refused | refused |
| QUEUED, its queue paused / RUNNING | refused | refused | refused |
| QUEUED, its queue paused / COMPENSATING | refused | refused | refused |
| RUNNING / RUNNING | refused | refused | refused |
| RUNNING, its queue paused / RUNNING | refused | refused | refused |
| RUNNING / RUNNING, suspended | refused | refused | refused |
| RUNNING, continues / RUNNING | refused | refused | refused |
| RUNNING / CLOSING | refused | refused | refused |
| RUNNING / COMPENSATING | refused | refused | refused |
| RUNNING / COMPENSATING, suspended | refused | refused | refused |
| RETRYING / RUNNING | refused | refused | refused |
| RETRYING, its queue paused / RUNNING | refused | refused | refused |
| RETRYING / RUNNING, suspended | refused | refused | refused |
| RETRYING / COMPENSATING | refused | refused | refused |
| RETRYING / COMPENSATING, suspended | refused | refused | refused |
| DEAD_LETTER / RUNNING, dead letter | done → QUEUED · RUNNING | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATING |
| DEAD_LETTER / RUNNING, suspended | done → READY | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATING, suspended |
| DEAD_LETTER / COMPENSATING, dead letter | done → QUEUED · COMPENSATING | done → SKIPPED · CANCELLED | done → DEAD_LETTER, record · FAILED |
| DEAD_LETTER, of a set / RUNNING, dead letter | done → SUCCEEDED · SUCCEEDED | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATING |
| DEAD_LETTER, record / COMPENSATING | refused | refused | refused |
| DEAD_LETTER, record / COMPENSATED | refused | refused | refused |
| SUCCEEDED / RUNNING | refused | refused | refused |
| SUCCEEDED / CLOSING | refused | refused | refused |
| SUCCEEDED / COMPENSATING | refused | refused | refused |
| SUCCEEDED / SUCCEEDED | refused | refused | refused |
| SKIPPED, by its when / RUNNING | refused | refused | refused |
| SKIPPED, by an operator / RUNNING | refused | refused | refused |
| CANCELLED / CLOSING | refused | refused | refused |
| CANCELLED / CANCELLED | refused | refused | refused |
| FAILED / RUNNING | refused | refused | refused |
| no such task / RUNNING | refused | refused | refused |
| WAITING, a block / RUNNING | refused | refused | refused |
| DEAD_LETTER, of a block / RUNNING, dead letter | done → WAITING · RUNNING | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATED |
| DEAD_LETTER, a block's timeout / RUNNING, dead letter | refused | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATED |
| RUNNING, of an item / RUNNING | refused | refused | refused |
| DEAD_LETTER, of an item / RUNNING, dead letter | done → QUEUED · RUNNING | done → SKIPPED · RUNNING | done → FAILED · RUNNING |
| RUNNING, of a loser / RUNNING | refused | refused | refused |
| QUEUED, undoing an item / RUNNING | refused | refused | refused |
| DEAD_LETTER, undoing an item / RUNNING, dead letter | done → QUEUED · RUNNING | done → SKIPPED · RUNNING | done → DEAD_LETTER, record · RUNNING |
"""
    + chains.BY_OPERATORS_ON_DEAD_LETTERS.lstrip()
    + waits.BY_OPERATORS_ON_DEAD_LETTERS.lstrip()
)

BY_OPERATORS_ON_INSTANCES = (
    """
| task / instance | cancel_instances | suspend_instances | resume_instances |
|---|---|---|---|
| WAITING, a join / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| WAITING, its turn / COMPENSATING | refused | done · COMPENSATING, suspended | refused |
| WAITING, its start / RUNNING | done → CANCELLED · CANCELLED | done · RUNNING, suspended | refused |
| WAITING, a sleep / RUNNING | done → CANCELLED · CANCELLED | done · RUNNING, suspended | refused |
| WAITING, a signal / RUNNING | done → CANCELLED · CANCELLED | done · RUNNING, suspended | refused |
| WAITING, an answer / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| WAITING, an answer / RUNNING, suspended | done → CANCELLED · COMPENSATING | done | done · RUNNING |
| WAITING, an answer / COMPENSATING | refused | done · COMPENSATING, suspended | refused |
| READY / RUNNING, suspended | done → CANCELLED · COMPENSATING | done | done → QUEUED · RUNNING |
| READY / COMPENSATING, suspended | refused | done | done → QUEUED · COMPENSATING |
| READY, no handler / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| READY, its queue paused / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| READY, its queue paused / COMPENSATING | refused | done · COMPENSATING, suspended | refused |
| READY, its queue resumed / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| QUEUED / RUNNING | done → CANCELLED · COMPENSATING | done → READY · RUNNING, suspended | refused |
| QUEUED / COMPENSATING | refused | done → READY · COMPENSATING, suspended | refused |
| QUEUED, no handler / RUNNING | done → CANCELLED · COMPENSATING | done → READY · RUNNING, suspended | refused |
| QUEUED, its queue paused / RUNNING | done → CANCELLED · COMPENSATING | done → READY · RUNNING, suspended | refused |
| QUEUED, its queue paused / COMPENSATING | refused | done → READY · COMPENSATING, suspended | refused |
| RUNNING / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
| RUNNING, its queue paused / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
| RUNNING / RUNNING, suspended | done · CLOSING | done | done · RUNNING |
| RUNNING, continues / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
| RUNNING / CLOSING | refused | refused | refused |
| RUNNING / COMPENSATING | refused | done · COMPENSATING, suspended | refused |
| RUNNING / COMPENSATING, suspended | refused | done | done · COMPENSATING |
| RETRYING / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| RETRYING, its queue paused / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| RETRYING / RUNNING, suspended | done → CANCELLED · COMPENSATING | done | done · RUNNING |
| RETRYING / COMPENSATING | refused | done · COMPENSATING, suspended | refused |
| RETRYING / COMPENSATING, suspended | refused | done | done · COMPENSATING |
| DEAD_LETTER / RUNNING, dead letter | done → DEAD_LETTER, record · COMPENSATING | done · RUNNING, suspended | refused |
| DEAD_LETTER / RUNNING, suspended | done → DEAD_LETTER, record · COMPENSATING | done | done · RUNNING, dead letter |
| DEAD_LETTER / COMPENSATING, dead letter | refused | done · COMPENSATING, suspended | refused |
| DEAD_LETTER, of a set / RUNNING, dead letter | done → DEAD_LETTER, record · COMPENSATING | done · RUNNING, suspended | refused |
| DEAD_LETTER, record / COMPENSATING | refused | done · COMPENSATING, suspended | refused |
| DEAD_LETTER, record / COMPENSATED | refused | refused | refused |
| SUCCEEDED / RUNNING | done · COMPENSATING | done · RUNNING, suspended | refused |
| SUCCEEDED / CLOSING | refused | refused | refused |
| SUCCEEDED / COMPENSATING | refused | done · COMPENSATING, suspended | refused |
| SUCCEEDED / SUCCEEDED | refused | refused | refused |
| SKIPPED, by its when / RUNNING | done · CANCELLED | done · RUNNING, suspended | refused |
| SKIPPED, by an operator / RUNNING | done · CANCELLED | done · RUNNING, suspended | refused |
| CANCELLED / CLOSING | refused | refused | refused |
| CANCELLED / CANCELLED | refused | refused | refused |
| FAILED / RUNNING | done · CANCELLED | done · RUNNING, suspended | refused |
| no such task / RUNNING | done · COMPENSATING | done · RUNNING, suspended | refused |
| WAITING, a block / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| DEAD_LETTER, of a block / RUNNING, dead letter | done → DEAD_LETTER, record · CANCELLED | done · RUNNING, suspended | refused |
| DEAD_LETTER, a block's timeout / RUNNING, dead letter | done → DEAD_LETTER, record · CANCELLED | done · RUNNING, suspended | refused |
| RUNNING, of an item / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
| DEAD_LETTER, of an item / RUNNING, dead letter | done → DEAD_LETTER, record · COMPENSATING | done · RUNNING, suspended | refused |
| RUNNING, of a loser / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
| QUEUED, undoing an item / RUNNING | done · CLOSING | done → READY · RUNNING, suspended | refused |
| DEAD_LETTER, undoing an item / RUNNING, dead letter | done · CLOSING, dead letter | done · RUNNING, suspended | refused |
"""
    + chains.BY_OPERATORS_ON_INSTANCES.lstrip()
    + waits.BY_OPERATORS_ON_INSTANCES.lstrip()
)

INSTANCES = """
| instance | cancel_instances | suspend_instances | resume_instances | clock, past its deadline | start_instances, its key |
|---|---|---|---|---|---|
| RUNNING, nothing done | done · CANCELLED | done · RUNNING, suspended | refused | · COMPENSATED | exists |
| RUNNING, a step done | done · COMPENSATING | done · RUNNING, suspended | refused | · COMPENSATING | exists |
| RUNNING, a task runs | done · CLOSING | done · RUNNING, suspended | refused | · CLOSING | exists |
| RUNNING, suspended | done · CANCELLED | done | done · RUNNING | · COMPENSATED | exists |
| RUNNING, dead letter | done · CANCELLED | done · RUNNING, suspended | refused | · COMPENSATED | exists |
| CLOSING | refused | refused | refused | — | exists |
| CLOSING, suspended | refused | refused | done · CLOSING | — | exists |
| COMPENSATING | refused | done · COMPENSATING, suspended | refused | — | exists |
| COMPENSATING, suspended | refused | done | done · COMPENSATING | — | exists |
| COMPENSATING, dead letter | refused | done · COMPENSATING, suspended | refused | — | exists |
| SUCCEEDED | refused | refused | refused | — | exists |
| FAILED | refused | refused | refused | — | exists |
| COMPENSATED | refused | refused | refused | — | exists |
| CANCELLED | refused | refused | refused | — | exists |
"""

DUE = """
| a step that comes due | is made |
|---|---|
| of a RUNNING instance | QUEUED |
| of a RUNNING instance, handed off | RUNNING |
| of a RUNNING instance, its queue paused | QUEUED |
| of a suspended instance | READY |
| whose when says no | SKIPPED |
| whose expression fails | DEAD_LETTER |
| whose expression fails, and its instance continues | FAILED |
| of the kind set | SUCCEEDED |
| of the kind fail | DEAD_LETTER |
| before all edges into it have passed | WAITING |
"""

TASK_TABLES = {
    "By workers": BY_WORKERS,
    "From outside": FROM_OUTSIDE,
    "By the clock and the relay": BY_THE_CLOCK,
    "By operators, on dead letters": BY_OPERATORS_ON_DEAD_LETTERS,
    "By operators, on the instance": BY_OPERATORS_ON_INSTANCES,
}
ALL_TABLES = {**TASK_TABLES, "Instances": INSTANCES, "Steps that come due": DUE}

Table = dict[str, dict[str, str]]
"""Row's name → column's name → cell."""


def parse(text: str) -> Table:
    """Read a Markdown table whose first column names the rows."""
    lines = [line.strip().strip("|").split("|") for line in text.strip().splitlines()]
    cells = [[cell.strip() for cell in line] for line in lines]
    names, rows = cells[0][1:], cells[2:]
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def arrow(cell: str) -> str | None:
    """Return the task's new state of a cell, without what is said of a record."""
    if "→" not in cell:
        return None
    return cell.partition("→")[2].partition("·")[0].partition(",")[0].strip()
