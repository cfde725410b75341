"""Start an instance of a workflow.

With --wait it exits 0 once the instance has succeeded, and 1 where it ended in any other way, or
did not end in time.
"""

import argparse
import sys
import time
from uuid import UUID

from ..calls import Started, StartSignal, signal_with_start, start_instances
from ..calls.base import Connection
from ..calls.reads import json_rows
from ..calls.waiting import find_schema_at_start
from ..definition import check_input
from ..errors import BadArgument, Fault, Refused
from ..ids import make_ids
from ..json_text import Json
from ..settings import Settings
from ..tracing import read_trace, variables
from .arguments import INPUT_HELP, add_json, add_labels, offset_time, positive, read_json, seconds
from .bodies import body
from .database import Row, find_instance, find_version, open_database
from .output import clock_text, error_text, one_line, print_json, span_text, suspension

LOOK_EVERY = 0.1
"""Seconds between two looks at an instance that is waited for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("workflow", metavar="WORKFLOW", help="its name or id")
    parser.add_argument("--input", metavar="JSON", default="{}", help=f"{INPUT_HELP} ({{}})")
    parser.add_argument(
        "--key",
        metavar="KEY",
        help="idempotency key: the same key gives the same instance, however often it is sent",
    )
    parser.add_argument(
        "--id",
        type=UUID,
        metavar="UUID",
        help="a UUID version 7 made within the hour; the same id gives the same instance, too",
    )
    parser.add_argument(
        "--start-at",
        type=offset_time,
        metavar="TIME",
        help="when its first steps come due (at once): 2026-01-31T08:00+01:00",
    )
    add_labels(parser, "a label that it is found by, customer=ACME (may be repeated)")
    parser.add_argument("--version", type=positive, metavar="N", help="of the workflow (latest)")
    parser.add_argument(
        "--signal",
        metavar="NAME",
        help="a signal that it is sent, whether it is started now or by its key or id was before",
    )
    parser.add_argument(
        "--payload",
        metavar="JSON",
        default="null",
        help=f"what the signal brings: {INPUT_HELP} (null)",
    )
    parser.add_argument(
        "--signal-key", metavar="KEY", help="under which it takes the signal once, however often"
    )
    parser.add_argument(
        "--wait",
        type=seconds,
        nargs="?",
        const=float("inf"),
        metavar="SECONDS",
        help="wait until it has ended, or that long",
    )
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    given = read_json(args.input, "--input")
    with open_database(settings) as conn:
        version = find_version(conn, args.workflow, args.version)
        faults = check_input(version["input_schema"], given)
        if faults:
            _say(f"the input does not fit the schema of {version['name']}:")
            for fault in faults:
                _say(f"  {fault}")
            return 1
        # The version that the input was checked against, should a newer one come in between.
        started, refused = _start(conn, args, version, given)
        if started.outcome == "disabled":
            raise Refused(
                f"{version['name']}: {(started.error or {}).get('message')}",
                hint=f"onceflow enable {version['name']}",
            )
        if started.outcome == "conflict":
            what = f"key {args.key!r}" if args.key else f"id {args.id}"
            raise BadArgument(
                f"the {what} belongs to instance {started.instance_id}, which has "
                "another input; nothing was started",
                hint="use another for another input",
            )
        if refused:
            raise Refused(f"{started.instance_id} does not take the signal: {refused}")
        if args.wait is None:
            print_started(started, as_json=args.json)
            return 0
        instance = _wait(conn, started.instance_id, args.wait)
    print_end(instance, args.wait, as_json=args.json)
    return 0 if instance["status"] == "SUCCEEDED" else 1


def _start(
    conn: Connection, args: argparse.Namespace, version: Row, given: Json
) -> tuple[Started, str | None]:
    """Start the instance, with its signal; return why it does not take that, where it does not."""
    if args.signal is None:
        (started,) = start_instances(
            conn,
            version["name"],
            [given],
            [args.key],
            version["version"],
            [args.id or make_ids(1)[0]],
            None if args.start_at is None else [args.start_at],
            [read_trace(variables())],
            [dict(args.label) or None],
        )
        return started, None
    signal = StartSignal(args.signal, read_json(args.payload, "--payload"), args.signal_key)
    _require_fit(conn, args, version, signal)
    both = signal_with_start(
        conn,
        version["name"],
        given,
        args.key,
        signal,
        version["version"],
        args.id,
        args.start_at,
        read_trace(variables()),
        dict(args.label) or None,
    )
    refused = both.sent is not None and both.sent.outcome not in ("accepted", "repeated")
    return both.started, both.sent.detail if both.sent and refused else None


def _require_fit(
    conn: Connection, args: argparse.Namespace, version: Row, signal: StartSignal
) -> None:
    """Raise BadArgument where the payload does not fit all of the signal's schema."""
    declared = json_rows(
        conn,
        find_schema_at_start(version["name"], version["version"], args.key, args.id, signal.name),
    )
    faults = check_input(declared[0]["schema"], signal.payload) if declared else []
    if faults:
        placed = (Fault(f"/payload{fault.place}", fault.message) for fault in faults)
        told = "; ".join(map(one_line, placed))
        raise BadArgument(
            f"the payload does not fit the schema of the signal {signal.name}: {told}; "
            "nothing was started, and nothing was sent"
        )


def _wait(conn: Connection, instance_id: UUID, longest: float) -> Row:
    """Return the instance once it has ended, or after ``longest`` seconds."""
    deadline = time.monotonic() + longest
    suspended = None
    while True:
        instance = find_instance(conn, instance_id)
        left = deadline - time.monotonic()
        if instance["ended_at"] is not None or left <= 0:
            return instance
        if instance["suspended_at"] != suspended:
            suspended = instance["suspended_at"]
            if suspended is not None:
                _say(
                    f"{suspension(instance['suspended_by'])} since {clock_text(suspended)}: "
                    f"`onceflow explain {instance_id}` tells more; still waiting"
                )
        time.sleep(min(LOOK_EVERY, left))


def print_started(started: Started, *, as_json: bool) -> None:
    """Print which instance was started, or had been."""
    if as_json:
        print_json(
            {
                "id": str(started.instance_id),
                "status": started.state,
                "outcome": started.outcome,
                "faults": [],
            }
        )
    elif started.outcome == "exists":
        print(f"{started.instance_id}  {started.state} (started before)")
    else:
        print(f"{started.instance_id}  {started.state}")


def print_end(instance: Row, waited: float, *, as_json: bool) -> None:
    """Print how an instance ended that was waited for, or that it has not."""
    if as_json:
        print_json(body(instance))
        return
    if instance["ended_at"] is None:
        print(f"{instance['id']}  {instance['status']}, not ended after {waited:g} s")
        return
    took = span_text(instance["started_at"], instance["ended_at"])
    error = error_text(instance["error"])
    print(f"{instance['id']}  {instance['status']} in {took}" + (f": {error}" if error else ""))
    if instance["output"] is not None:
        print_json(instance["output"])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
