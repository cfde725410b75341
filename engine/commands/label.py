"""Give instances labels, by which they are found, or take them away.

NAME=VALUE gives one, NAME- takes it away; others stay. An instance may run or have ended. Prints
all its labels. Exits 1 where one of the instances takes none, and says why.
"""

import argparse

import msgspec

from ..calls import Decided, set_labels
from ..errors import BadArgument
from ..json_text import Json
from ..labels import NAME
from ..settings import Settings
from .arguments import InstanceId, add_json, instance_id, label
from .database import open_database, whole_ids
from .output import labels_text, print_decisions, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "given",
        type=_read,
        nargs="+",
        metavar="ID | NAME=VALUE | NAME-",
        help="instances, each by its id or enough of its beginning; then labels",
    )
    add_json(parser)


def _read(text: str) -> InstanceId | tuple[str, str | None]:
    """Read the id of an instance, a label, or one to be taken away."""
    if text.endswith("-") and NAME.fullmatch(text[:-1]):
        return text[:-1], None
    return label(text) if "=" in text else instance_id(text)


def run(args: argparse.Namespace, settings: Settings) -> int:
    given: list[InstanceId | tuple[str, str | None]] = args.given
    ids = [each for each in given if not isinstance(each, tuple)]
    labels = dict(each for each in given if isinstance(each, tuple))
    if not ids or not labels:
        missing = "no instance" if labels else "no label"
        raise BadArgument(f"{missing} is named", hint="onceflow label ID customer=ACME team-")
    with open_database(settings) as conn:
        decisions = set_labels(conn, whole_ids(conn, ids), labels)
    if args.json:
        print_json([_body(one) for one in decisions])
        return 0 if all(one.outcome == "done" for one in decisions) else 1
    done = [one for one in decisions if one.outcome == "done"]
    for one in done:
        print(f"{one.instance_id}  {labels_text(_labels(one)) or 'no labels'}")
    return print_decisions([one for one in decisions if one not in done], as_json=False)


def _body(one: Decided) -> dict[str, Json]:
    """Return what became of one instance, as the API answers it."""
    told: dict[str, Json] = (
        {"labels": _labels(one)} if one.outcome == "done" else {"detail": one.detail}
    )
    return {"id": str(one.instance_id), "outcome": one.outcome, **told}


def _labels(one: Decided) -> dict[str, str]:
    return msgspec.json.decode(one.detail, type=dict[str, str])
