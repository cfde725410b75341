"""Which labels are told in metrics: those alone that the operator has named."""

from collections.abc import Mapping
from typing import Final

from ..errors import SettingsError
from . import NAME, NAME_RULE

MOST_NAMED: Final = 5
"""Names: each multiplies the series by its values."""
VARIABLE: Final = "ONCEFLOW_METRIC_LABELS"


def read_metric_labels(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of these labels, each once, as they were given. Raises SettingsError."""
    names = [name for item in env.get(VARIABLE, "").split(",") if (name := item.strip())]
    for name in names:
        if not NAME.fullmatch(name):
            raise SettingsError(
                f"{VARIABLE} names {name!r}: the name of a label is {NAME_RULE}; give several with "
                "commas between them, such as customer_tier,region"
            )
    found = tuple(dict.fromkeys(names))
    if len(found) > MOST_NAMED:
        raise SettingsError(
            f"{VARIABLE} names {len(found)} labels, and {MOST_NAMED} are the most, since each "
            "value of each is a series: name those that are worth a curve"
        )
    return found
