"""Say all that is wrong with definitions, without a database.

Each fault is a line `file:line:column: place: message`, as editors and terminals link it. The exit
code is 0 where nothing is wrong, 1 where something is, 2 for wrong usage.
"""

import argparse

from ...settings import Settings
from ..arguments import add_json
from .files import Found, add_paths, find_definitions, tell_left_out, told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    add_json(parser)


def run(args: argparse.Namespace, _: Settings) -> int:
    found = find_definitions(args.paths, args.format)
    if args.json:
        _print_json(found)
    else:
        _print(found)
    return 1 if found.faults else 0


def _print(found: Found) -> None:
    for file, checked in found.checked():
        print(f"{file}: {checked.workflow.name}: nothing is wrong with it")
        needs = checked.needs()
        if needs:
            print("  its steps need of a deployment:")
        for kind, name in needs:
            print(f"    {kind}  {name}")
    for file, fault in found.faults:
        print(told(file, fault))
    if found.faults:
        count, many = len(found.faults), len(found.definitions)
        faulty = sum(1 for each in found.definitions if each.faults)
        faults = "1 fault" if count == 1 else f"{count} faults"
        print(f"{faults} in {faulty} of {many} files" if many > 1 else faults)
    tell_left_out(found)


def _print_json(found: Found) -> None:
    from ..output import print_json  # here: it takes a while, and what it also does is not needed

    print_json(
        {
            "definitions": [
                {
                    "file": file,
                    "name": checked.workflow.name,
                    "needs": [{"kind": kind, "name": name} for kind, name in checked.needs()],
                }
                for file, checked in found.checked()
            ],
            "faults": found.described(),
            "left_out": found.left_out,
        }
    )
