"""Which files hold definitions: read and checked, with all that is wrong with each beside it."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from ...definition import Checked, check_definition, parse
from ...errors import BadArgument, DefinitionError, Fault
from ...json_text import Json
from ...logs import escaped
from ...redact import masked
from ..arguments import read_text

Format = Literal["yaml", "json"]
FORMATS: Final[dict[str, Format]] = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}
STDIN: Final = "<stdin>"

_STEPS = re.compile(rb"""(?:^|[\s{,])["']?steps["']?\s{0,9}:""")


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition of a file; ``checked`` is None where it has faults."""

    file: str
    checked: Checked | None
    faults: list[Fault] = field(default_factory=list[Fault])


@dataclass(frozen=True, slots=True)
class Found:
    """All definitions that were named; ``left_out`` are files of folders that are none."""

    definitions: list[Definition]
    left_out: list[str]

    @property
    def faults(self) -> list[tuple[str, Fault]]:
        """Return every fault, with its file."""
        return [(each.file, fault) for each in self.definitions for fault in each.faults]

    def described(self) -> list[Json]:
        """Return every fault for scripts."""
        return [described(file, fault) for file, fault in self.faults]

    def checked(self) -> list[tuple[str, Checked]]:
        """Return those in which nothing is wrong, each with its file."""
        return [(each.file, each.checked) for each in self.definitions if each.checked]


def add_paths(parser: argparse.ArgumentParser, *, nargs: str = "+") -> None:
    """Add the files, and how they are read."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs=nargs,
        help="a file of YAML or JSON, a folder of them (of all that it holds, at any depth), or - "
        "for stdin",
    )
    add_format(parser)


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add how files are read."""
    parser.add_argument(
        "--format",
        choices=("yaml", "json"),
        help="what the files hold (by default json where a name ends so, else yaml)",
    )


def find_definitions(paths: Sequence[str], given: Format | None) -> Found:
    """Read and check definitions. Raises BadArgument for a folder without any file of theirs.

    In a folder, what has no key ``steps`` is no definition and is left out.
    """
    definitions: list[Definition] = []
    left_out: list[str] = []
    owners: dict[str, str] = {}
    for place, named in _files(paths):
        try:
            text = _read(place)
            if not named and not _STEPS.search(text):
                left_out.append(place)
                continue
            checked = _check(place, text, given)
        except DefinitionError as error:
            definitions.append(Definition(_shown(place), None, error.faults))
            continue
        name = checked.workflow.name
        if name in owners:
            message = f"{name!r} is the name of the workflow in {owners[name]} already"
            fault = checked.document.fault("/name", f"{message}; give one of the two another")
            definitions.append(Definition(_shown(place), None, [fault]))
            continue
        owners[name] = _shown(place)
        definitions.append(Definition(_shown(place), checked))
    if not definitions:
        raise BadArgument(f"there is no definition in {', '.join(paths)}")
    return Found(definitions, left_out)


def find_one(place: str, given: Format | None) -> tuple[str, Checked]:
    """Read and check the definition of one file. Raises DefinitionError."""
    return _shown(place), _check(place, _read(place), given)


def told(file: str, fault: Fault) -> str:
    """Return a fault on one line, where it stands as editors and terminals link it."""
    return escaped(" ".join(masked(fault.at(file)).split()))


def tell_faults(command: str, found: Found, code: int, *, as_json: bool) -> int:
    """Say why nothing is done: on stderr, each fault a line; or for scripts. Return ``code``."""
    if as_json:
        from ..output import print_json

        print_json({"faults": found.described()})
        return code
    count, many = len(found.faults), len(found.definitions)
    faults = "1 fault" if count == 1 else f"{count} faults"
    faulty = sum(1 for each in found.definitions if each.faults)
    where = "the definition has" if many == 1 else f"{faulty} of {many} definitions have"
    print(f"onceflow {command}: {where} {faults}", file=sys.stderr)
    for file, fault in found.faults:
        print(told(file, fault), file=sys.stderr)
    return code


def described(file: str, fault: Fault) -> dict[str, Json]:
    """Return a fault for scripts."""
    line, column = fault.position or (None, None)
    place = fault.pointer if fault.position else fault.place
    message = masked(fault.message)
    return {"file": file, "place": place, "line": line, "column": column, "message": message}


def tell_left_out(found: Found) -> None:
    """Say on stderr which files of folders are no definitions."""
    if found.left_out:
        names = ", ".join(found.left_out[:5]) + (" …" if len(found.left_out) > 5 else "")
        print(f"left out, since they have no `steps`: {escaped(names)}", file=sys.stderr)


def _files(paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield each file once, and whether it was named itself."""
    seen: set[str] = set()
    for path in paths:
        folder = path != "-" and Path(path).is_dir()
        for place in _of_folder(Path(path)) if folder else [path]:
            if place not in seen:
                seen.add(place)
                yield place, not folder


def _of_folder(folder: Path) -> list[str]:
    found = [
        str(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in FORMATS
        and not path.name.endswith(".schema.json")  # `onceflow new` writes one
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not found:
        raise BadArgument(f"the folder {folder} holds no file of YAML or JSON")
    return found


def _read(place: str) -> bytes:
    try:
        return read_text(place)
    except BadArgument as error:
        fault = Fault("", error.message.removeprefix(f"{place} "))
        raise DefinitionError(error.message, [fault]) from error


def _check(place: str, text: bytes, given: Format | None) -> Checked:
    return check_definition(parse(text, given or FORMATS.get(Path(place).suffix, "yaml")))


def _shown(place: str) -> str:
    return STDIN if place == "-" else place
