"""People who log in to the web pages: make, list, disable them, set role and password.

A password is asked for at a terminal, else it is the first line of stdin; it is never an argument,
which others on this machine could read. Who is disabled, or gets another password, is logged out
everywhere. Exits 1 where there is such a person already, or none.
"""

import argparse
import getpass
import sys

from ...accounts.passwords import hash_password
from ...accounts.roles import WORDS
from ...calls import Person, change_person, create_person, list_people
from ...calls.base import Connection
from ...errors import BadArgument, NotFound
from ...settings import Settings
from ..arguments import add_json
from ..database import open_database
from ..output import clock_text, print_json
from ..terminal.console import print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="let somebody log in")
    lists = actions.add_parser("list", help="list people")
    disable = actions.add_parser("disable", help="let somebody log in no more")
    enable = actions.add_parser("enable", help="let somebody log in again")
    role = actions.add_parser("set-role", help="give somebody another role")
    password = actions.add_parser("set-password", help="give somebody another password")
    for one in (create, disable, enable, role, password):
        one.add_argument("name", metavar="NAME")
    create.add_argument("--role", required=True, choices=WORDS, help="what he may do")
    role.add_argument("role", choices=WORDS, metavar="ROLE", help=", ".join(WORDS))
    add_json(lists)


def run(args: argparse.Namespace, settings: Settings) -> int:
    # Before a connection is held: whoever types it may take his time.
    sets = args.action in ("create", "set-password")
    password = hash_password(_read_password(args.name)) if sets else None
    with open_database(settings) as conn:
        match args.action:
            case "list":
                _list(conn, as_json=args.json)
            case "create":
                create_person(conn, args.name, args.role, password)
                print(f"{args.name}  {args.role}")
            case "set-role":
                _change(conn, args.name, "role set", role=args.role)
            case "set-password":
                _change(conn, args.name, "password set", password=password)
            case _:
                disabled = args.action == "disable"
                _change(conn, args.name, f"{args.action}d", disabled=disabled)
    return 0


def _change(
    conn: Connection,
    name: str,
    done: str,
    role: str | None = None,
    password: str | None = None,
    disabled: bool | None = None,
) -> None:
    if not change_person(conn, name, role, password, disabled):
        raise NotFound(
            f"there is no person {name}", hint="`onceflow person list` shows those there are"
        )
    print(f"{name}  {done}")


def _read_password(name: str) -> str:
    """Return a password, typed twice, or the first line of stdin. Raises BadArgument."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"password of {name}: ")
    if getpass.getpass("once more: ") != password:
        raise BadArgument("the two passwords differ", hint="nothing was done; type it again")
    return password


def _list(conn: Connection, *, as_json: bool) -> None:
    people = list_people(conn)
    if as_json:
        print_json({"items": [_body(person) for person in people]})
        return
    rows = [
        (
            person.name,
            person.role,
            "disabled" if person.disabled_at else "live",
            " and ".join(_ways(person)) or "nothing",
            str(person.sessions),
            clock_text(person.created_at.isoformat()),
        )
        for person in people
    ]
    print_table(("name", "role", "state", "logs in by", "sessions", "created"), rows)


def _ways(person: Person) -> list[str]:
    known = {"password": person.has_password, "provider": person.subject is not None}
    return [way for way, is_there in known.items() if is_there]


def _body(person: Person) -> dict[str, str | bool | int | None]:
    disabled = person.disabled_at
    return {
        "name": person.name,
        "role": person.role,
        "has_password": person.has_password,
        "subject": person.subject,
        "created_at": person.created_at.isoformat(),
        "disabled_at": None if disabled is None else disabled.isoformat(),
        "sessions": person.sessions,
    }
