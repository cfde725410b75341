"""How much is tried: little and always the same in the suite, more and ever different at length.

ONCEFLOW_FUZZ multiplies the number of examples (make check-long). No example is made smaller: what
has ended a process cannot be tried again on the same one.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

TIMES = int(os.environ.get("ONCEFLOW_FUZZ") or 1)

AT_LENGTH = pytest.mark.skipif(TIMES == 1, reason="it takes a minute: make check-long runs it")
"""Of tests of which a shorter one, that is in the suite, sees most of what they would."""

MARKS = [
    pytest.mark.timeout(300 * TIMES),
    # Some of what is sent is long.
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]
"""Of all fuzzers."""


def bounded(examples: int) -> Callable[[Any], Any]:
    """Return the settings of a fuzzer that tries so many examples in the suite."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        print_blob=True,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
            HealthCheck.filter_too_much,
        ],
    )
