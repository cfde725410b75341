"""Answer a form: what an approve asks of people.

DECISION is one of those that the form has, approved or rejected unless its step says otherwise.
`onceflow forms list --json` shows the schema that the answer must fit. Exits 1 where the answer is
not taken, and says why.
"""

import argparse
import sys

from ...calls import FormAnswer, answer_forms
from ...calls.forms import FormFilter, list_open_forms
from ...calls.reads import json_rows
from ...definition import check_input
from ...settings import Settings
from ..arguments import INPUT_HELP, add_json, read_json, task_key
from ..database import open_database, whole_id
from ..output import one_line, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("form", type=task_key, metavar="INSTANCE/TASK")
    parser.add_argument("decision", metavar="DECISION")
    parser.add_argument("--by", required=True, metavar="WHO", help="who decides")
    parser.add_argument(
        "--answer",
        metavar="JSON",
        default="{}",
        help=f"what the form asks for: {INPUT_HELP} ({{}})",
    )
    parser.add_argument("--key", help="under which it is taken once, however often it is sent")
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    given = read_json(args.answer, "--answer")
    with open_database(settings) as conn:
        instance, task = whole_id(conn, args.form[0]), args.form[1]
        wanted = FormFilter(instance=instance, task=task)
        open_forms = json_rows(conn, list_open_forms("schema", wanted, 1))
        # Of what Postgres checks itself it tells; this is for all of the schema.
        faults = check_input(open_forms[0]["schema"], given) if open_forms else []
        if faults:
            print("the answer does not fit the form:", file=sys.stderr)
            for fault in faults:
                print(one_line(f"  {fault}"), file=sys.stderr)
            return 1
        (answered,) = answer_forms(
            conn, [FormAnswer(instance, task, args.decision, args.by, given, args.key)]
        )
    if args.json:
        print_json(
            {
                "instance": str(instance),
                "task": task,
                "outcome": answered.outcome,
                "detail": answered.detail,
                "faults": answered.faults,
            }
        )
    else:
        print(f"{instance}/{task}  {answered.outcome}: {one_line(answered.detail)}")
    return 0 if answered.outcome in ("accepted", "repeated") else 1
