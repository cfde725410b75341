"""Keys by which programs call the API: make one, list them, revoke one.

A key is shown once, when it is made, and on stdout alone; what is kept is its hash. Programs send
it as `Authorization: Bearer KEY`. `create` exits 1 where there is a key of that name, `revoke`
where there is none.
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta

from ...accounts.keys import digest_of, make_key
from ...accounts.roles import WORDS
from ...calls import ApiKey, create_api_key, list_api_keys, revoke_api_key
from ...errors import NotFound
from ...settings import Settings
from ..arguments import add_json, positive
from ..database import open_database
from ..output import clock_text, print_json
from ..terminal.console import print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key, and show it this once")
    create.add_argument("name", metavar="NAME", help="which program bears it")
    create.add_argument("--role", required=True, choices=WORDS, help="what it may do")
    create.add_argument("--days", type=positive, metavar="N", help="after which it expires (never)")
    lists = actions.add_parser("list", help="list keys, with their last use")
    add_json(lists)
    revoke = actions.add_parser("revoke", help="take a key back, at once and for good")
    revoke.add_argument("name", metavar="NAME")


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        if args.action == "create":
            key = make_key()
            until = args.days and datetime.now(UTC) + timedelta(days=args.days)
            create_api_key(conn, args.name, digest_of(key), args.role, until)
            print(key, flush=True)
            print(
                f"the key {args.name} has the role {args.role}; it is shown this once",
                file=sys.stderr,
            )
        elif args.action == "revoke":
            if not revoke_api_key(conn, args.name):
                raise NotFound(
                    f"there is no key {args.name}", hint="`onceflow key list` shows those there are"
                )
            print(f"{args.name}  revoked")
        else:
            keys = list_api_keys(conn)
            if args.json:
                print_json({"items": [_body(key) for key in keys]})
            else:
                print_table(
                    ("name", "role", "state", "created", "last used"), [_row(key) for key in keys]
                )
    return 0


def _body(key: ApiKey) -> dict[str, str | None]:
    times = {
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
    told = {name: None if at is None else at.isoformat() for name, at in times.items()}
    return {"name": key.name, "role": key.role, **told}


def _row(key: ApiKey) -> tuple[str, ...]:
    if key.revoked_at is not None:
        state = f"revoked {_text(key.revoked_at)}"
    elif key.expires_at is None:
        state = "live"
    else:
        ended = key.expires_at <= datetime.now(UTC)
        state = f"{'expired' if ended else 'live until'} {_text(key.expires_at)}"
    return key.name, key.role, state, _text(key.created_at), _text(key.last_used_at)


def _text(at: datetime | None) -> str:
    return "never" if at is None else clock_text(at.isoformat())
