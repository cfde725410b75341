"""How other commands find a running ``onceflow dev``: a file in its data folder names servers."""

from dataclasses import replace
from pathlib import Path

from ..settings import Settings
from .file_lock import FileLock


def lock_of(settings: Settings) -> FileLock:
    """Return the lock that ``onceflow dev`` holds while it runs."""
    return FileLock(settings.data / "dev.lock")


def write_dev_file(settings: Settings) -> Path:
    """Tell commands where the servers are, and how the schema's owner logs in: for us alone."""
    path = _path(settings)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(f"ONCEFLOW_DSN={settings.dsn}\nONCEFLOW_KAFKA={settings.kafka}\n")
    return path


def with_running_dev(settings: Settings) -> Settings:
    """Fill in the servers of an ``onceflow dev`` that runs here, where the settings name none."""
    if (settings.dsn and settings.kafka) or not lock_of(settings).is_taken():
        return settings
    try:
        lines = _path(settings).read_text().splitlines()
    except OSError:
        return settings
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return replace(
        settings,
        dsn=settings.dsn or found.get("ONCEFLOW_DSN", ""),
        kafka=settings.kafka or found.get("ONCEFLOW_KAFKA", ""),
    )


def _path(settings: Settings) -> Path:
    return settings.data / "dev.env"
