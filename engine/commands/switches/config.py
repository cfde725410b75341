"""The configuration of the deployment: values that definitions name as ${ $config.NAME }.

Steps that come due see a value as it is then. Every version of it is kept, with who set it and
when. It is no place for secrets: whoever reads anything of the deployment may read it.
"""

import argparse
import sys
from typing import Any

from ... import json_text
from ...calls import ConfigSet, set_config_values, unset_config_values
from ...calls.base import Connection
from ...calls.config import list_config, list_config_history
from ...calls.reads import json_rows
from ...errors import NotFound
from ...json_text import Json
from ...redact import is_secret_name
from ...settings import Settings
from ..arguments import add_json, positive, read_json
from ..database import open_database, who
from ..output import clock_text, one_line, print_json
from ..terminal.console import print_table

VALUE = "name, value, version, set_at, set_by"
VERSION = "name, version, value, unset, set_at, set_by"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    give = actions.add_parser("set", help="give a value")
    give.add_argument("name", metavar="NAME")
    give.add_argument("value", metavar="VALUE", help="a text, as it stands")
    give.add_argument(
        "--typed", action="store_true", help="VALUE is JSON: a number, true, an object, @FILE"
    )
    actions.add_parser("list", help="list all values")
    actions.add_parser("get", help="print a value").add_argument("name", metavar="NAME")
    history = actions.add_parser("history", help="list what a value was, the latest first")
    history.add_argument("name", metavar="NAME")
    history.add_argument("--limit", type=positive, default=50, metavar="N", help="at most N (50)")
    take = actions.add_parser("unset", help="take values away; their history stays")
    take.add_argument("names", nargs="+", metavar="NAME")
    for changing in (give, take):
        changing.add_argument("--by", metavar="WHO", help="in whose name (user@host)")
    for action in actions.choices.values():
        add_json(action)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        match args.action:
            case "set":
                value = read_json(args.value, "VALUE") if args.typed else args.value
                if is_secret_name(args.name):
                    print(
                        f"{args.name}: whoever reads anything of the deployment may read this; for "
                        f"what is secret write ${{ $secrets.{args.name} }} in the definition",
                        file=sys.stderr,
                    )
                changed = set_config_values(conn, {args.name: value}, args.by or who())
                return _print_changed(changed, as_json=args.json)
            case "unset":
                changed = unset_config_values(conn, args.names, args.by or who())
                return _print_changed(changed, as_json=args.json)
            case "get":
                return _print_value(_value(conn, args.name), as_json=args.json)
            case "history":
                rows = json_rows(conn, list_config_history(VERSION, args.name, args.limit))
                if not rows:
                    raise _not_set(conn, args.name)
            case _:
                rows = json_rows(conn, list_config(VALUE))
    if args.json:
        print_json(rows)
    elif not rows:
        print("no value is set")
    else:
        _print_rows(rows)
    return 0


def _value(conn: Connection, name: str) -> dict[str, Any]:
    rows = json_rows(conn, list_config(VALUE, name))
    if not rows:
        raise _not_set(conn, name)
    return rows[0]


def _not_set(conn: Connection, name: str) -> NotFound:
    known = ", ".join(row["name"] for row in json_rows(conn, list_config("name")))
    return NotFound(f"the configuration has no value {name}", hint=f"it has: {known or 'none yet'}")


def _print_changed(changed: list[ConfigSet], *, as_json: bool) -> int:
    if as_json:
        print_json([{"name": c.name, "version": c.version, "outcome": c.outcome} for c in changed])
    else:
        for one in changed:
            said = "unknown: there is no such value" if one.outcome == "unknown" else one.outcome
            print(f"{one.name}  {said}" + (f", version {one.version}" if one.version else ""))
    return 1 if any(one.outcome == "unknown" for one in changed) else 0


def _print_value(row: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(row)
    else:
        print(_text(row["value"]))
    return 0


def _print_rows(rows: list[dict[str, Any]]) -> None:
    print_table(
        ("NAME", "VALUE", "VERSION", "SET", "BY"),
        (
            (
                row["name"],
                "(unset)" if row.get("unset") else one_line(_text(row["value"])),
                str(row["version"]),
                clock_text(row["set_at"]),
                one_line(row["set_by"]),
            )
            for row in rows
        ),
    )


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json_text.encode(value)
