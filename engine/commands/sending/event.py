"""Send an event to whoever waits for its name and key, of all instances.

Those that begin to wait for it soon get it, too. With --id the same event can be sent again without
harm. Exits 1 where it was refused, and says why.
"""

import argparse

from ...calls import NamedEvent, apply_deliveries, send_events
from ...calls.waiting import AT_ONCE
from ...settings import Settings
from ..arguments import INPUT_HELP, add_json, read_json
from ..database import open_database
from ..output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="such as payment.received")
    parser.add_argument("key", metavar="KEY", help="what tells it from others of its name")
    parser.add_argument(
        "--payload", metavar="JSON", default="null", help=f"what steps give: {INPUT_HELP} (null)"
    )
    parser.add_argument("--id", help="under which it is taken once, however often it is sent")
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    payload = read_json(args.payload, "the payload")
    with open_database(settings) as conn:
        (sent,) = send_events(conn, [NamedEvent(args.name, args.key, payload, args.id)])
        if sent.waited:
            apply_deliveries(conn, AT_ONCE)
    if args.json:
        print_json({"id": sent.id, "outcome": sent.outcome, "waited": sent.waited})
    elif sent.outcome == "sent":
        print(f"sent: as {sent.id}, to {sent.waited} that waited")
    else:
        print(f"{sent.outcome}: {sent.detail}")
    return 0 if sent.outcome in ("sent", "repeated") else 1
