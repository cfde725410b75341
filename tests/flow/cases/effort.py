"""How much is tried: little and always the same in the suite, more and ever different at length."""

import os

TIMES = int(os.environ.get("ONCEFLOW_FUZZ") or 1)
"""ONCEFLOW_FUZZ multiplies the number of cases (make check-long)."""
