"""List what people are asked to decide; claim, release and reassign it.

A step of the kind approve opens a form. While it is open anybody whom it asks answers it
(`onceflow answer`), unless somebody has claimed it: then he alone does, until he releases it or it
is reassigned to others. Name forms as INSTANCE/TASK. Exits 1 where one of them was refused, and
says why.
"""

import argparse
from collections.abc import Sequence

from ...calls import Key, claim_forms, reassign_forms, release_forms
from ...calls.forms import FORM, FormFilter, last_open_form, page_open_forms
from ...calls.reads import LOOKED_AT, json_rows
from ...settings import Settings
from ..arguments import add_json, instance_id, positive, task_key
from ..bodies import bounded_page
from ..database import Row, open_database, whole_id
from ..output import clock_text, one_line, print_decisions, print_json, print_more
from ..terminal.console import print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    show = actions.add_parser("list", help="list open forms, the oldest first")
    show.add_argument(
        "--for", dest="people", action="append", metavar="WHO", help="asked of them; repeatable"
    )
    show.add_argument("--workflow", metavar="NAME", help="of this workflow")
    show.add_argument("--instance", type=instance_id, metavar="ID", help="of this instance")
    show.add_argument("--claimed-by", metavar="WHO", help="claimed by them")
    show.add_argument("--limit", type=positive, default=100, metavar="N", help="at most N (100)")
    show.add_argument(
        "--after", type=positive, metavar="N", help="behind the page before, as that tells"
    )
    add_json(show)

    for verb, what in (
        ("claim", "take forms upon oneself: nobody else answers them then"),
        ("release", "give claimed forms back"),
        ("reassign", "ask other people, in place of those who were asked"),
    ):
        action = actions.add_parser(verb, help=what)
        action.add_argument("forms", type=task_key, nargs="+", metavar="INSTANCE/TASK")
        action.add_argument("--by", required=True, metavar="WHO", help="who does it")
        if verb == "reassign":
            action.add_argument(
                "--to", required=True, action="append", metavar="WHO", help="whom; repeatable"
            )
        add_json(action)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        if args.action == "list":
            instance = None if args.instance is None else whole_id(conn, args.instance)
            wanted = FormFilter(
                people=args.people,
                workflow=args.workflow,
                instance=instance,
                claimed_by=args.claimed_by,
            )
            asked = page_open_forms(f"{FORM}, n", wanted, args.limit + 1, args.after)
            rows = json_rows(conn, asked)
            full = len(rows) > args.limit
            last = [] if full else json_rows(conn, last_open_form(wanted, args.after))
        else:
            keys = [Key(whole_id(conn, instance), task) for instance, task in args.forms]
            match args.action:
                case "claim":
                    decided = claim_forms(conn, keys, args.by)
                case "release":
                    decided = release_forms(conn, keys, args.by)
                case _:
                    decided = reassign_forms(conn, keys, args.by, args.to)
            return print_decisions(decided, as_json=args.json)
    following = str(last[0]["n"]) if last else None
    if len(rows) > args.limit:
        rows = rows[: args.limit]
        following = str(rows[-1]["n"])
    if args.json:
        found = [{name: row[name] for name in row if name != "n"} for row in rows]
        print_json(bounded_page(found, following, LOOKED_AT if last else None))
    else:
        more = "" if following is None else f"--after {following}"
        print_forms(rows, more, LOOKED_AT if last else None)
    return 0


def print_forms(rows: Sequence[Row], more: str, looked_at: int | None) -> None:
    """Print open forms; ``more`` and ``looked_at`` as ``print_more`` takes them."""
    if not rows:
        print("no open form matches")
    else:
        print_table(
            ("INSTANCE/TASK", "WORKFLOW", "TITLE", "TO", "CLAIMED BY", "DUE"),
            (
                (
                    f"{row['instance']}/{row['task']}",
                    f"{row['workflow']} v{row['version']}",
                    one_line(row["title"]),
                    one_line(", ".join(row["to"])),
                    one_line(row["claimed_by"] or "-"),
                    clock_text(row["due_at"]),
                )
                for row in rows
            ),
        )
    print_more(more, looked_at)
