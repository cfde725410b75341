"""Register a workflow from a file of YAML or JSON.

The content of the workflow's latest version stays that version; anything else makes a new one.
Running instances keep the version that they were started with. What its steps need of the
deployment (values of its configuration, secrets of its workers) is listed, and what is missing.
"""

import argparse
import sys
from typing import Literal

import msgspec

from ..calls import Need, read_needs, register_workflow
from ..definition import compile_definition, needs_of, parse
from ..errors import DefinitionError, Fault
from ..json_text import Json
from ..redact import masked
from ..secrets import how_to_give
from ..settings import Settings
from .arguments import add_json, read_text
from .database import open_database
from .output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the definition; - reads it from stdin")
    parser.add_argument(
        "--format",
        choices=("yaml", "json"),
        help="what the file holds (by default json where its name ends so, else yaml)",
    )
    parser.add_argument(
        "--check", action="store_true", help="only say what is wrong with it; needs no database"
    )
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    given: Literal["yaml", "json"] | None = args.format
    form = given or ("json" if args.file.endswith(".json") else "yaml")
    try:
        compiled = compile_definition(parse(read_text(args.file), form))
    except DefinitionError as error:
        if not args.json:
            raise
        print_json({"faults": [_described(fault) for fault in error.faults]})
        return 1
    if args.check:
        needed = [{"kind": kind, "name": name} for kind, name in needs_of(compiled)]
        if args.json:
            print_json({"name": compiled["name"], "faults": [], "needs": needed})
        else:
            print(f"{compiled['name']}: nothing is wrong with it")
            _print_needs([(need["kind"], need["name"], "") for need in needed])
        return 0
    with open_database(settings) as conn:
        version = register_workflow(conn, compiled)
        needs = read_needs(conn, version.name, version.version) if needs_of(compiled) else []
    if args.json:
        print_json(
            {
                "id": version.workflow_id,
                "name": version.name,
                "version": version.version,
                "created": version.created,
                "needs": [msgspec.structs.asdict(need) for need in needs],
            }
        )
    else:
        if unchecked := compiled["input_unchecked"]:
            print(
                "of the schema of its input these are checked by API, command line and client "
                f"only, not by Postgres itself: {', '.join(unchecked[:20])}"
                + (" …" if len(unchecked) > 20 else ""),
                file=sys.stderr,
            )
        what = "registered as" if version.created else "unchanged since"
        print(f"{version.name}: {what} version {version.version}")
        _print_needs([(need.kind, need.name, _state(need)) for need in needs])
    return 0


def _described(fault: Fault) -> Json:
    line, column = fault.position or (None, None)
    place = fault.pointer if fault.position else fault.place
    return {"place": place, "line": line, "column": column, "message": masked(fault.message)}


def _print_needs(needs: list[tuple[str, str, str]]) -> None:
    if not needs:
        return
    print("its steps need of this deployment:")
    width = max(len(name) for _, name, _ in needs)
    for kind, name, state in needs:
        print(f"  {kind}  {name:<{width}}  {state}".rstrip())


def _state(need: Need) -> str:
    """Tell whether what is needed is there, and else how it gets there."""
    if need.kind == "config":
        return "is set" if need.is_there else f"MISSING: onceflow config set {need.name} VALUE"
    if need.is_there is None:
        return "no live worker tells whether it has it"
    if need.is_there:
        return "is there, at all live workers that run these steps"
    return f"MISSING at {', '.join(need.lacking)}: {how_to_give(need.name)}"
