"""Arguments that several commands take, and how they are read."""

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import msgspec

from .. import json_text
from ..errors import BadArgument
from ..json_text import Json
from ..labels import NAME, NAME_RULE
from ..payloads import payload_fault

InstanceId: TypeAlias = UUID | str
"""An id, or the text that it begins with."""
TaskKey: TypeAlias = tuple[InstanceId, str]

ID_HELP = "its id, or enough of its beginning"
INPUT_HELP = "JSON; @FILE reads it from a file, @- from stdin"


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


def add_instance(parser: argparse.ArgumentParser, *, many: bool = False) -> None:
    """Add the id of an instance, or several."""
    if many:
        parser.add_argument("instances", type=instance_id, nargs="+", metavar="ID", help=ID_HELP)
    else:
        parser.add_argument("instance", type=instance_id, metavar="ID", help=ID_HELP)


def add_labels(parser: argparse.ArgumentParser, told: str) -> None:
    """Add ``--label NAME=VALUE``, as pairs."""
    parser.add_argument(
        "--label", action="append", type=label, default=[], metavar="NAME=VALUE", help=told
    )


def label(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=VALUE, such as customer=ACME; a name is {NAME_RULE}"
        )
    return name, value


def instance_id(text: str) -> InstanceId:
    """Read the id of an instance, or what it begins with: ``database.whole_id`` finds the rest."""
    from ..calls.reads import ids_from  # here: what needs no database does not wait for it

    within = ids_from(text)
    if within is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not the id of an instance, a UUID such as `onceflow list` shows, nor the "
            "beginning of one"
        )
    return within[0] if within[0] == within[1] else text


def task_key(text: str) -> TaskKey:
    """Read ``INSTANCE/TASK``; the task's own text may have further slashes."""
    instance, slash, task = text.partition("/")
    if not slash or not task:
        raise argparse.ArgumentTypeError(f"{text!r} is not INSTANCE/TASK")
    return instance_id(instance), task


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def seconds(text: str) -> float:
    """Read a length of time."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def offset_time(text: str) -> datetime:
    """Read a time with its offset from UTC, in ISO 8601."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time such as 2026-01-31T08:00:00+01:00 or 2026-01-31T07:00:00Z"
        ) from None
    if time.utcoffset() is None:
        from ..calls.workflows import without_offset

        raise argparse.ArgumentTypeError("{}; {}".format(*without_offset(time)))
    return time


def read_text(place: str) -> bytes:
    """Read a file, or stdin where ``place`` is ``-``. Raises BadArgument."""
    if place == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise BadArgument(f"{place} cannot be read: {error.strerror or error}") from error


def read_json(text: str, what: str) -> Json:
    """Read JSON, or @FILE that holds it; numbers stay exact. Raises BadArgument."""
    raw = read_text(text[1:]) if text.startswith("@") else text.encode("utf-8", "surrogateescape")
    try:
        value = json_text.decode_exact(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadArgument(
            f"{what} is not JSON: {error}",
            hint='give it as \'{"customer": "ALFKI"}\', or @FILE',
        ) from error
    if fault := payload_fault(raw):
        raise BadArgument(f"{what}: {fault[0] or 'it'} {fault[1]}")
    return value
