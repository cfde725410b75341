"""Draw a workflow: its steps from the top down, blocks around theirs, as Mermaid or SVG.

It is drawn from a file, or by its name from the database, where its latest version is taken unless
one is given.
"""

import argparse
from pathlib import Path

from ...definition import Checked, Document, check_definition
from ...definition.diagram.mermaid import mermaid
from ...definition.diagram.model import diagram_of
from ...definition.diagram.svg import svg
from ...errors import DefinitionError
from ...settings import Settings
from ..arguments import positive
from .files import Definition, Found, find_one, tell_faults


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="FILE|WORKFLOW",
        help="a file, - for stdin, or the name of a workflow that is deployed",
    )
    parser.add_argument(
        "--format",
        choices=("mermaid", "svg"),
        default="mermaid",
        help="what is printed (mermaid)",
    )
    parser.add_argument("--version", type=positive, metavar="N", help="of a workflow (the latest)")


def run(args: argparse.Namespace, settings: Settings) -> int:
    order: list[str] = []
    if args.source == "-" or Path(args.source).is_file():
        try:
            _, checked = find_one(args.source, None)
        except DefinitionError as error:
            found = Found([Definition(args.source, None, error.faults)], [])
            return tell_faults("graph", found, 1, as_json=False)
    else:
        checked, order = _deployed(args.source, args.version, settings)
    title = checked.workflow.name
    drawn = diagram_of(checked, order)
    print(mermaid(drawn, title) if args.format == "mermaid" else svg(drawn, title), end="")
    return 0


def _deployed(workflow: str, version: int | None, settings: Settings) -> tuple[Checked, list[str]]:
    from ..database import find_version, open_database  # here: a file needs no database
    from .changes import read_deployed

    with open_database(settings) as conn:
        find_version(conn, workflow, version)  # says what there is in its place
        deployed = read_deployed(conn, workflow, version)
    assert deployed is not None
    return check_definition(Document.of(deployed.definition)), deployed.order
