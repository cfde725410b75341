"""Say what deploying definitions would change, or what changed between two versions of a workflow.

Steps are compared by their ids, wherever they stand. The exit code is 0 where nothing differs, 1
where something does, 2 where it cannot be told: a definition has faults, or no database answers.
"""

import argparse
import sys
from pathlib import Path

from ...calls.base import Connection
from ...definition.differences import differences
from ...errors import BadArgument
from ...settings import Settings
from ..arguments import add_json, positive
from ..database import find_version, open_database
from ..output import print_json
from ..terminal.console import open_console
from .changes import Comparison, Deployed, change_lines, compare, described, read_deployed
from .files import add_paths, find_definitions, tell_faults, tell_left_out

FAILED = 2
"""Exit code of what cannot be told: 1 means that something differs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    parser.add_argument(
        "--versions",
        type=positive,
        nargs=2,
        metavar=("OLD", "NEW"),
        help="compare these two versions of a workflow, whose name stands in place of PATH",
    )
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.versions:
        compared = _versions(args, settings)
    else:
        for path in args.paths:
            if path != "-" and not Path(path).exists():
                raise BadArgument(
                    f"there is no file or folder {path}",
                    hint="two versions of a workflow: onceflow diff WORKFLOW --versions OLD NEW",
                )
        found = find_definitions(args.paths, args.format)
        if found.faults:
            return tell_faults("diff", found, FAILED, as_json=args.json)
        tell_left_out(found)
        with open_database(settings) as conn:
            compared = [(file, compare(conn, checked)) for file, checked in found.checked()]
    if args.json:
        print_json(
            [
                {
                    "file": file,
                    "name": one.name,
                    "version": one.version,
                    "differs": one.differs,
                    "changes": described(one.changes),
                }
                for file, one in compared
            ]
        )
    else:
        _print([one for _, one in compared], args.versions)
    return 1 if any(one.differs for _, one in compared) else 0


def _versions(args: argparse.Namespace, settings: Settings) -> list[tuple[str | None, Comparison]]:
    if len(args.paths) != 1:
        raise BadArgument("--versions are those of one workflow; give its name alone")
    old, new = args.versions
    with open_database(settings) as conn:
        was, now = (_deployed(conn, args.paths[0], number) for number in (old, new))
        name = find_version(conn, args.paths[0])["name"]
    changes = differences(was.definition, now.definition, was.order, now.order)
    return [(None, Comparison(name, old, changes))]


def _deployed(conn: Connection, workflow: str, number: int) -> Deployed:
    find_version(conn, workflow, number)  # says what there is in its place
    found = read_deployed(conn, workflow, number)
    assert found is not None
    return found


def _print(compared: list[Comparison], versions: list[int] | None) -> None:
    console = open_console()
    for one in compared:
        if versions:
            told = f"version {versions[0]} → {versions[1]}"
            head = told if one.changes else f"{told}: they do not differ"
        else:
            head = heading(one)
        print(f"{one.name}: {head}")
        sys.stdout.flush()
        for line in change_lines(one.changes):
            console.print(line)


def heading(one: Comparison) -> str:
    """Return what deploying a definition would do."""
    if one.version is None:
        return "would be new, as version 1"
    if not one.changes:
        return f"unchanged since version {one.version}"
    return f"would be version {one.version + 1}"
