"""The rows of repeats and tries, as state_table.py has those of all else, in the order of its tables."""

# ruff: noqa: E501 - a row of a Markdown table is one line

BY_WORKERS = """
| WAITING, a repeat / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| WAITING, a repeat's delay / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| DEAD_LETTER, an until / RUNNING, dead letter | skipped | skipped | stale | stale | stale | stale | stale |
| DEAD_LETTER, a repeat's limit / RUNNING, dead letter | skipped | skipped | stale | stale | stale | stale | stale |
| RUNNING, of a round / RUNNING | skipped | skipped | accepted → SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING | accepted → QUEUED | accepted → WAITING |
| WAITING, a try's next attempt / RUNNING | skipped | skipped | stale | stale | stale | stale | stale |
| RUNNING, of an attempt / RUNNING | skipped | skipped | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → FAILED | accepted → QUEUED | accepted → WAITING |
| DEAD_LETTER, of an attempt / RUNNING, dead letter | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| QUEUED, undoing an attempt / RUNNING | granted → RUNNING | granted → RUNNING | stale | stale | stale | stale | stale |
| DEAD_LETTER, undoing an attempt / RUNNING, dead letter | skipped | skipped | repeated | repeated | repeated | repeated | repeated |
| RUNNING, of a catch / RUNNING | skipped | skipped | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATED | accepted → QUEUED | accepted → WAITING |
"""

FROM_OUTSIDE = """
| WAITING, a repeat / RUNNING | stale | stale | stale |
| WAITING, a repeat's delay / RUNNING | stale | stale | stale |
| DEAD_LETTER, an until / RUNNING, dead letter | stale | stale | stale |
| DEAD_LETTER, a repeat's limit / RUNNING, dead letter | stale | stale | stale |
| RUNNING, of a round / RUNNING | accepted → SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATING |
| WAITING, a try's next attempt / RUNNING | stale | stale | stale |
| RUNNING, of an attempt / RUNNING | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → FAILED |
| DEAD_LETTER, of an attempt / RUNNING, dead letter | repeated | repeated | repeated |
| QUEUED, undoing an attempt / RUNNING | stale | stale | stale |
| DEAD_LETTER, undoing an attempt / RUNNING, dead letter | repeated | repeated | repeated |
| RUNNING, of a catch / RUNNING | accepted → SUCCEEDED · SUCCEEDED | accepted → RETRYING | accepted → DEAD_LETTER, record · COMPENSATED |
"""

BY_THE_CLOCK = """
| WAITING, a repeat / RUNNING | — | — | — | — | — |
| WAITING, a repeat's delay / RUNNING | — | — | — | — | — |
| DEAD_LETTER, an until / RUNNING, dead letter | — | — | — | — | — |
| DEAD_LETTER, a repeat's limit / RUNNING, dead letter | — | — | — | — | — |
| RUNNING, of a round / RUNNING | → RETRYING | → RETRYING | → QUEUED | → QUEUED | — |
| WAITING, a try's next attempt / RUNNING | — | — | — | — | — |
| RUNNING, of an attempt / RUNNING | → RETRYING | → RETRYING | → QUEUED | → QUEUED | — |
| DEAD_LETTER, of an attempt / RUNNING, dead letter | — | — | — | — | — |
| QUEUED, undoing an attempt / RUNNING | — | — | — | — | → QUEUED |
| DEAD_LETTER, undoing an attempt / RUNNING, dead letter | — | — | — | — | — |
| RUNNING, of a catch / RUNNING | → RETRYING | → RETRYING | → QUEUED | → QUEUED | — |
"""

BY_OPERATORS_ON_DEAD_LETTERS = """
| WAITING, a repeat / RUNNING | refused | refused | refused |
| WAITING, a repeat's delay / RUNNING | refused | refused | refused |
| DEAD_LETTER, an until / RUNNING, dead letter | refused | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATING |
| DEAD_LETTER, a repeat's limit / RUNNING, dead letter | refused | done → SKIPPED · SUCCEEDED | done → DEAD_LETTER, record · COMPENSATING |
| RUNNING, of a round / RUNNING | refused | refused | refused |
| WAITING, a try's next attempt / RUNNING | refused | refused | refused |
| RUNNING, of an attempt / RUNNING | refused | refused | refused |
| DEAD_LETTER, of an attempt / RUNNING, dead letter | done → QUEUED · RUNNING | done → SKIPPED · SUCCEEDED | done → FAILED · RUNNING |
| QUEUED, undoing an attempt / RUNNING | refused | refused | refused |
| DEAD_LETTER, undoing an attempt / RUNNING, dead letter | done → QUEUED · RUNNING | done → SKIPPED · RUNNING | done → DEAD_LETTER, record · RUNNING |
| RUNNING, of a catch / RUNNING | refused | refused | refused |
"""

BY_OPERATORS_ON_INSTANCES = """
| WAITING, a repeat / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| WAITING, a repeat's delay / RUNNING | done → CANCELLED · COMPENSATING | done · RUNNING, suspended | refused |
| DEAD_LETTER, an until / RUNNING, dead letter | done → DEAD_LETTER, record · COMPENSATING | done · RUNNING, suspended | refused |
| DEAD_LETTER, a repeat's limit / RUNNING, dead letter | done → DEAD_LETTER, record · COMPENSATING | done · RUNNING, suspended | refused |
| RUNNING, of a round / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
| WAITING, a try's next attempt / RUNNING | done → CANCELLED · CANCELLED | done · RUNNING, suspended | refused |
| RUNNING, of an attempt / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
| DEAD_LETTER, of an attempt / RUNNING, dead letter | done → DEAD_LETTER, record · COMPENSATING | done · RUNNING, suspended | refused |
| QUEUED, undoing an attempt / RUNNING | done · CLOSING | done → READY · RUNNING, suspended | refused |
| DEAD_LETTER, undoing an attempt / RUNNING, dead letter | done · CLOSING, dead letter | done · RUNNING, suspended | refused |
| RUNNING, of a catch / RUNNING | done · CLOSING | done · RUNNING, suspended | refused |
"""
