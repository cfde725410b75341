"""The rows of what waits by itself, in the order of the tables; and the table of what is sent to it."""

# ruff: noqa: E501 - a row of a Markdown table is one line

BY_WORKERS = """
| WAITING, an event / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, a form / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, a child / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, a child / CLOSING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, undoing a child / COMPENSATING | skipped | skipped | stale | stale | stale | stale | stale |
| READY, to wait for a signal / RUNNING, suspended | skipped | skipped | stale | stale | stale | stale | stale |
| READY, to sleep no more / RUNNING, suspended | skipped | skipped | stale | stale | stale | stale | stale |
| DEAD_LETTER, of a child / RUNNING, dead letter | skipped | skipped | stale | stale | stale | stale | stale |
| DEAD_LETTER, a wait's timeout / RUNNING, dead letter | skipped | skipped | stale | stale | stale | stale | stale |
"""

FROM_OUTSIDE = """
| WAITING, an event / RUNNING | stale | stale | stale |
| WAITING, a form / RUNNING | stale | stale | stale |
| WAITING, a child / RUNNING | stale | stale | stale |
| WAITING, a child / CLOSING | stale | stale | stale |
| WAITING, undoing a child / COMPENSATING | stale | stale | stale |
| READY, to wait for a signal / RUNNING, suspended | stale | stale | stale |
| READY, to sleep no more / RUNNING, suspended | stale | stale | stale |
| DEAD_LETTER, of a child / RUNNING, dead letter | stale | stale | stale |
| DEAD_LETTER, a wait's timeout / RUNNING, dead letter | stale | stale | stale |
"""

BY_THE_CLOCK = """
| WAITING, an event / RUNNING | → DEAD_LETTER, record · COMPENSATING | — | — | — | — |
| WAITING, a form / RUNNING | → DEAD_LETTER, record · COMPENSATING | — | — | — | — |
| WAITING, a child / RUNNING | — | — | — | — | — |
| WAITING, a child / CLOSING | — | — | — | — | — |
| WAITING, undoing a child / COMPENSATING | — | — | — | — | — |
| READY, to wait for a signal / RUNNING, suspended | — | — | — | — | — |
| READY, to sleep no more / RUNNING, suspended | — | — | — | — | — |
| DEAD_LETTER, of a child / RUNNING, dead letter | — | — | — | — | — |
| DEAD_LETTER, a wait's timeout / RUNNING, dead letter | — | — | — | — | — |
"""

BY_OPERATORS_ON_DEAD_LETTERS = """
| WAITING, an event / RUNNING | refused | refused | refused |
| WAITING, a form / RUNNING | refused | refused | refused |
| WAITING, a child / RUNNING | refused | refused | refused |
| WAITING, a child / CLOSING | refused | refused | refused |
| WAITING, undoing a child / COMPENSATING | refused | refused | refused |
| READY, to wait for a signal / RUNNING, suspended | refused | refused | refused |
| READY, to sleep no more / RUNNING, suspended | refused | refused | refused |
| DEAD_LETTER, of a child / RUNNING, dead letter | done → WAITING · RUNNING | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATING |
| DEAD_LETTER, a wait's timeout / RUNNING, dead letter | refused | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATING |
"""

BY_OPERATORS_ON_INSTANCES = """
| WAITING, an event / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| WAITING, a form / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| WAITING, a child / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
| WAITING, a child / CLOSING | refused | refused | refused |
| WAITING, undoing a child / COMPENSATING | refused | done · COMPENSATING, suspended | refused |
| READY, to wait for a signal / RUNNING, suspended | done → CANCELLED · COMPENSATING | done | done → WAITING · RUNNING |
| READY, to sleep no more / RUNNING, suspended | done → CANCELLED · COMPENSATING | done | done → SUCCEEDED · SUCCEEDED |
| DEAD_LETTER, of a child / RUNNING, dead letter | done → DEAD_LETTER, record · COMPENSATING | done · RUNNING, suspended | refused |
| DEAD_LETTER, a wait's timeout / RUNNING, dead letter | done → DEAD_LETTER, record · COMPENSATING | done · RUNNING, suspended | refused |
"""

BY_SENDERS = """
| task / instance | send_signals | send_events | answer_forms | claim_forms | release_forms | reassign_forms | its child succeeds | its child fails |
|---|---|---|---|---|---|---|---|---|
| WAITING, a signal / RUNNING | accepted → SUCCEEDED · SUCCEEDED | sent | unknown | unknown | unknown | unknown | — | — |
| WAITING, an event / RUNNING | accepted | sent → SUCCEEDED · SUCCEEDED | unknown | unknown | unknown | unknown | — | — |
| WAITING, a form / RUNNING | accepted | sent | accepted → SUCCEEDED · SUCCEEDED | done | refused | done | — | — |
| WAITING, a child / RUNNING | accepted | sent | unknown | unknown | unknown | unknown | → SUCCEEDED · SUCCEEDED | → DEAD_LETTER, record · COMPENSATING |
| WAITING, a child / CLOSING | ended | sent | unknown | unknown | unknown | unknown | → SUCCEEDED · COMPENSATING | → CANCELLED · COMPENSATING |
| WAITING, undoing a child / COMPENSATING | ended | sent | unknown | unknown | unknown | unknown | → SUCCEEDED | → DEAD_LETTER · COMPENSATING, dead letter |
| READY, to wait for a signal / RUNNING, suspended | accepted | sent | unknown | unknown | unknown | unknown | — | — |
| READY, to sleep no more / RUNNING, suspended | accepted | sent | unknown | unknown | unknown | unknown | — | — |
| DEAD_LETTER, of a child / RUNNING, dead letter | accepted | sent | unknown | unknown | unknown | unknown | — | — |
| DEAD_LETTER, a wait's timeout / RUNNING, dead letter | accepted | sent | unknown | unknown | unknown | unknown | — | — |
"""
