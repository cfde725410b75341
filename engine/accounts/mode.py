"""Whether the api asks who calls it, as the environment says."""

from collections.abc import Mapping

from ..errors import SettingsError


def read_mode(env: Mapping[str, str]) -> str:
    """Return ``on``, ``off``, or nothing where it is as is safe. Raises SettingsError."""
    text = env.get("ONCEFLOW_ACCOUNTS", "").strip().lower()
    if text not in ("", "on", "off"):
        raise SettingsError(
            f"ONCEFLOW_ACCOUNTS is {text!r}: give on or off, or leave it out, and the api asks who "
            "calls it once there is an account, or where others than this machine reach it"
        )
    return text
