"""Where traces are looked at: what pages link to."""

import re
from collections.abc import Mapping
from typing import Final

from ..errors import SettingsError

_URL: Final = re.compile(r"https?://(?:[^\s{}]|\{trace_id\})+")


def read_trace_url(env: Mapping[str, str]) -> str:
    """Return where a trace is looked at, a URL with ``{trace_id}``; empty where none is set.

    Raises SettingsError.
    """
    text = env.get("ONCEFLOW_TRACE_URL", "").strip()
    # As a link on every instance's page it may be no javascript:.
    if text and (not _URL.fullmatch(text) or "{trace_id}" not in text):
        raise SettingsError(
            "ONCEFLOW_TRACE_URL is no template of a URL: give where your traces are looked at, "
            "with {trace_id} in place of the id, such as https://traces.example.com/trace/{trace_id}"
        )
    return text
