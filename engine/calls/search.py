"""What instances are found by: the fields of their input that their workflow's `search` names.

``index_inputs()`` notes the text of each; what is looked for is written here in the same way. A
label is a field whose name begins with ``LABEL``, which no path does.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, LiteralString

from ..errors import BadArgument
from ..labels import NAME, NAME_RULE
from .base import json_of

LONGEST: Final = 255
"""Bytes of a value; of a longer one there is its sha256."""
MOST_FIELDS: Final = 16
"""Fields that one question may name, as many as a definition."""
LABEL: Final = "@"
NAMES: Final[LiteralString] = (
    "select distinct f as name from onceflow.workflow_versions v cross join unnest(v.search) f"
    " order by f limit 1000"
)
"""Every field that some workflow lists."""

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


def by_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return as which fields labels are looked for. Raises BadArgument for what is no name."""
    for name in labels:
        if not NAME.fullmatch(name):
            raise BadArgument(f"{name!r} is no label: its name is {NAME_RULE}")
    return {LABEL + name: value for name, value in labels.items()}


def stored(value: str) -> list[str]:
    """Return the texts as which a value may be noted: as it is, and as the number that it is."""
    texts = [value]
    if _NUMBER.fullmatch(value):
        text = f"{Decimal(value):f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        texts.append("0" if text == "-0" else text)
    return [_short(text) for text in dict.fromkeys(texts)]


def _short(text: str) -> str:
    encoded = text.encode("utf-8", "surrogatepass")
    return text if len(encoded) <= LONGEST else hashlib.sha256(encoded).hexdigest()


LEADS: Final[LiteralString] = "s.field = %(field)s and s.value = %(value)s"
LEADS_AS_ONE_OF: Final[LiteralString] = "s.field = %(field)s and s.value = any (%(value)s::text[])"
FOLLOW: Final[LiteralString] = """
    and not exists (
        select from jsonb_each(%(other)s::jsonb) m
        where not exists (
            select from onceflow.search_values o
            where o.field = m.key and o.instance_id = s.instance_id
                and o.value in (select jsonb_array_elements_text(m.value))))"""


def conditions(fields: Mapping[str, str]) -> tuple[LiteralString, dict[str, object]]:
    """Return what holds of ``search_values s`` where all fields have these values.

    The first leads: its index has them in the order of their instances. Raises BadArgument.
    """
    if len(fields) > MOST_FIELDS:
        raise BadArgument(
            f"{len(fields)} fields and labels are looked for, and {MOST_FIELDS} are the most"
        )
    (field, value), *others = fields.items()
    texts = stored(value)
    where = LEADS if len(texts) == 1 else LEADS_AS_ONE_OF
    parameters: dict[str, object] = {
        "field": field,
        "value": texts[0] if len(texts) == 1 else texts,
    }
    if others:
        where += FOLLOW
        parameters["other"] = json_of({name: stored(text) for name, text in others})
    return where, parameters


def not_listed(fields: Iterable[str], known: Sequence[str]) -> str | None:
    """Say which of the fields no workflow lists, None where each is listed."""
    for field in fields:
        if field not in known and not field.startswith(LABEL):
            listed = ", ".join(known) or "none"
            return f"no workflow lists $.input.{field} under `search`; listed are: {listed}"
    return None
