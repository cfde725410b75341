"""Register workflows from files of YAML or JSON.

All files are checked before anything is registered: where one has a fault, nothing is. The content
of a workflow's latest version stays that version; anything else makes a new one. Running instances
keep the version that they were started with. What the steps need of the deployment (values of its
configuration, secrets of its workers) is listed, and what is missing.
"""

import argparse
import sys
from typing import Any, NamedTuple

import msgspec

from ...calls import Need, read_needs, register_workflow
from ...calls.base import Connection
from ...calls.workflows import RegisteredVersion
from ...definition import Checked, compile_definition
from ...errors import DefinitionError, Fault
from ...json_text import Json
from ...secrets import how_to_give
from ...settings import Settings
from ..arguments import add_json
from ..database import open_database
from ..output import print_json
from ..terminal.console import open_console
from .changes import Comparison, change_lines, compare, described
from .diff import heading
from .files import Definition, Found, add_paths, find_definitions, tell_faults, tell_left_out


class Registered(NamedTuple):
    """A definition that is in the database now, and what it needs."""

    file: str
    version: RegisteredVersion
    needs: list[Need]
    unchecked: dict[str, list[str]]
    hooks: list[dict[str, Any]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="register nothing, and say what would change against what is deployed",
    )
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    found = find_definitions(args.paths, args.format)
    if found.faults:
        return tell_faults("deploy", found, 1, as_json=args.json)
    tell_left_out(found)
    with open_database(settings) as conn:
        if args.dry_run:
            compared = [(file, compare(conn, checked)) for file, checked in found.checked()]
            _print_dry_run(compared, as_json=args.json)
            return 0
        registered, refused = _register(conn, found)
    if args.json:
        print_json({"deployed": [_body(one) for one in registered], "faults": refused.described()})
    else:
        for one in registered:
            _print(one)
        if refused.faults:
            tell_faults("deploy", refused, 1, as_json=False)
    return 1 if refused.faults else 0


def _register(conn: Connection, found: Found) -> tuple[list[Registered], Found]:
    """Register each by itself; those that the database refuses come back with its reasons."""
    registered: list[Registered] = []
    refused: list[Definition] = []
    for file, checked in found.checked():
        compiled = compile_definition(checked)
        try:
            version = register_workflow(conn, compiled)
        except DefinitionError as error:
            faults = [_placed(checked, fault) for fault in error.faults]
            refused.append(Definition(file, None, faults))
            continue
        needs = read_needs(conn, version.name, version.version) if checked.needs() else []
        hooks = [
            {"path": f"/hooks/{version.name}/{one['trigger']}", "secrets": one["spec"]["secrets"]}
            for one in compiled["triggers"]
            if one["kind"] == "webhook"
        ]
        registered.append(Registered(file, version, needs, _unchecked(compiled), hooks))
    return registered, Found(refused, [])


def _unchecked(compiled: dict[str, Any]) -> dict[str, list[str]]:
    """Return what Postgres does not check, by whose schema it stands in."""
    signals: dict[str, Any] = compiled["signals"] or {}
    found: dict[str, list[str]] = {"its input": compiled["input_unchecked"]} | {
        f"its signal {name}": kept["unchecked"] for name, kept in signals.items() if kept
    }
    return {whose: places for whose, places in found.items() if places}


def _placed(checked: Checked, fault: Fault) -> Fault:
    """Return a fault that the database found, with its line where it names a place."""
    if not fault.place.startswith("/"):
        return fault
    return checked.document.fault(fault.place, fault.message)


def _body(one: Registered) -> dict[str, Json]:
    version = one.version
    return {
        "file": one.file,
        "id": version.workflow_id,
        "name": version.name,
        "version": version.version,
        "created": version.created,
        "needs": [msgspec.structs.asdict(need) for need in one.needs],
        "webhooks": one.hooks,
    }


def _print(one: Registered) -> None:
    for whose, places in one.unchecked.items():
        print(
            f"of the schema of {whose} these are checked by API, command line and client "
            f"only, not by Postgres itself: {', '.join(places[:20])}"
            + (" …" if len(places) > 20 else ""),
            file=sys.stderr,
        )
    what = "registered as" if one.version.created else "unchanged since"
    print(f"{one.version.name}: {what} version {one.version.version}")
    if one.needs:
        print("its steps need of this deployment:")
    width = max((len(need.name) for need in one.needs), default=0)
    for need in one.needs:
        print(f"  {need.kind}  {need.name:<{width}}  {_state(need)}".rstrip())
    if one.hooks:
        print("its webhooks, with the secrets that the api needs for them:")
    for hook in one.hooks:
        print(f"  POST {hook['path']}  {', '.join(hook['secrets']) or 'signed by nobody'}")


def _print_dry_run(compared: list[tuple[str, Comparison]], *, as_json: bool) -> None:
    if as_json:
        print_json({"would_deploy": [_dry_body(file, one) for file, one in compared]})
        return
    console = open_console()
    for _, one in compared:
        print(f"{one.name}: {heading(one)}")
        sys.stdout.flush()
        for line in change_lines(one.changes):
            console.print(line)


def _dry_body(file: str, one: Comparison) -> dict[str, Any]:
    would_be = 1 if one.version is None else one.version + bool(one.changes)
    return {
        "file": file,
        "name": one.name,
        "version": would_be,
        "created": one.differs,
        "changes": described(one.changes),
    }


def _state(need: Need) -> str:
    """Tell whether what is needed is there, and else how it gets there."""
    if need.kind == "config":
        return "is set" if need.is_there else f"MISSING: onceflow config set {need.name} VALUE"
    if need.is_there is None:
        return "no live worker tells whether it has it"
    if need.is_there:
        return "is there, at all live workers that run these steps"
    return f"MISSING at {', '.join(need.lacking)}: {how_to_give(need.name)}"
