"""How much is tried: little and always the same in the suite, more and ever different at length."""

import os

from hypothesis import HealthCheck

TIMES = int(os.environ.get("ONCEFLOW_FUZZ") or 1)
"""ONCEFLOW_FUZZ multiplies the number of examples (make check-long)."""

UNBOUNDED = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
    HealthCheck.function_scoped_fixture,
]
"""A definition is much to draw."""
