"""What each command does over the API; its arguments, and how it prints, are those of engine."""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import msgspec

from ...engine.calls import Because, Key, Started
from ...engine.commands.arguments import read_json
from ...engine.commands.bodies import LOG_ENTRY
from ...engine.commands.database import Row
from ...engine.commands.dead_letters import print_letters, require_choice
from ...engine.commands.definitions.files import find_definitions, tell_faults, tell_left_out
from ...engine.commands.drawing.picture import Picture
from ...engine.commands.drawing.tree import draw, log_line
from ...engine.commands.explain import print_reasons
from ...engine.commands.list import print_instances
from ...engine.commands.output import one_line, print_decisions, print_json, print_json_line
from ...engine.commands.people.forms import print_forms
from ...engine.commands.start import print_end, print_started
from ...engine.commands.terminal.asking import ask
from ...engine.commands.terminal.console import open_console
from ...engine.commands.watch import redraw
from ...engine.errors import BadArgument, Refused, SettingsError
from ...engine.ids import make_ids
from ..requests import Request
from .api import Api, as_items, exact, open_api

LONGEST_WAIT: Final = 30.0
"""Seconds that one request waits for the end of an instance."""

Verb = Callable[[argparse.Namespace, Api], int]


def refuse(args: argparse.Namespace, *names: str) -> None:
    """Raise BadArgument for options that the API has nothing for."""
    for name in names:
        if getattr(args, name):
            raise BadArgument(
                f"--{name.replace('_', '-')} takes a connection to the database, and not --api",
                hint="set ONCEFLOW_DSN, and leave --api and ONCEFLOW_API out",
            )


def run(name: str, args: argparse.Namespace, url: str, key_file: str | None) -> int:
    """Do over the API at ``url`` what a command says. Raises SettingsError where it cannot."""
    if name not in VERBS:
        raise SettingsError(
            f"onceflow {name} takes a connection to the database: the API does not do it",
            hint=f"set ONCEFLOW_DSN, and leave --api and ONCEFLOW_API out; over the API there are "
            f"{', '.join(VERBS)}",
        )
    with open_api(url, key_file) as api:
        return VERBS[name](args, api)


def start(args: argparse.Namespace, api: Api) -> int:
    """Start an instance; the same id, or key, makes it harmless to ask again."""
    item: dict[str, Any] = {
        "input": exact(read_json(args.input, "--input")),
        "key": args.key,
        "id": args.id or (None if args.key else make_ids(1)[0]),
        "start_at": args.start_at,
        "labels": dict(args.label) or None,
    }
    given = {name: value for name, value in item.items() if value is not None}
    path = f"workflows/{quote(args.workflow, '')}"
    if args.signal is None and args.wait is None:
        body = {"instances": [given], "version": args.version}
        (told,) = api.change(f"{path}/instances", body)["instances"]
        faults = [f"{one['place']}: {one['message']}" for one in told["faults"]]
        if told["outcome"] not in ("started", "exists"):
            raise Refused(f"nothing was started ({told['outcome']}): {'; '.join(faults)}")
        started = Started(UUID(told["id"]), told["outcome"], told["status"])
        print_started(started, as_json=args.json)
        return 0
    if args.signal is not None:
        given["signal"] = {
            "name": args.signal,
            "payload": exact(read_json(args.payload, "--payload")),
            "key": args.signal_key or make_ids(1)[0].hex,
        }
    return _start_and_wait(args, api, f"{path}/start", {**given, "version": args.version})


def _start_and_wait(args: argparse.Namespace, api: Api, path: str, body: dict[str, Any]) -> int:
    longest = 0.0 if args.wait is None else args.wait
    until = time.monotonic() + longest
    while True:
        left = max(until - time.monotonic(), 0.0)
        created, instance = api.start_or_find(f"{path}?wait={min(left, LONGEST_WAIT):.3f}", body)
        if instance["ended_at"] is not None or left <= LONGEST_WAIT:
            break
    if args.wait is None:
        started = Started(
            UUID(instance["id"]), "started" if created else "exists", instance["status"]
        )
        print_started(started, as_json=args.json)
        return 0
    print_end(instance, args.wait, as_json=args.json)
    return 0 if instance["status"] == "SUCCEEDED" else 1


def _list(
    args: argparse.Namespace,
    api: Api,
    path: str,
    query: dict[str, str | int | None],
    print_rows: Callable[[list[Row], str, int | None], None],
    *,
    groups: bool = False,
) -> int:
    """Print up to ``--limit`` rows of a list; ``groups``: as JSON too it is not the rows."""
    rows, following, looked_at = api.pages(path, query, args.limit)
    if args.json and not groups:
        print_json({"items": rows, "next": following, "looked_at": looked_at})
    else:
        print_rows(rows, f"--limit {2 * args.limit}" if following else "", looked_at)
    return 0


def list_instances(args: argparse.Namespace, api: Api) -> int:
    """List instances."""
    refuse(args, "before")
    if args.state and len(args.state) > 1:
        raise BadArgument("over the API --state is given once")
    query: dict[str, str | int | None] = {
        "workflow": args.workflow,
        "status": args.state[0] if args.state else None,
        "suspended": "true" if args.suspended else None,
        "key": args.key,
        "parent": None if args.parent is None else str(api.whole_id(args.parent)),
        **{f"input.{field}": value for field, value in args.input},
        **{f"label.{name}": value for name, value in args.label},
    }
    return _list(args, api, "instances", query, print_instances)


def _picture(api: Api, instance: UUID) -> Picture:
    found = api.read(f"instances/{instance}")
    version = api.read(f"workflows/{quote(found['workflow'], '')}/versions/{found['version']}")
    log = [{**entry, "worker": None} for entry in found["log"]]
    return Picture(
        found,
        version["definition"],
        found["tasks"],
        found["not_reached"],
        log,
        found["kept_signals"],
        whole_log=not found["truncated"],
    )


def show(args: argparse.Namespace, api: Api) -> int:
    """Show an instance, or what is in one of its scopes."""
    refuse(args, "block", "state")
    instance = api.whole_id(args.instance)
    if args.scope is not None:
        print_json(api.read(f"instances/{instance}/scopes/{args.scope}"))
        return 0
    if args.json:
        print_json(api.read(f"instances/{instance}"))
        return 0
    picture = _picture(api, instance)
    open_console().print(draw(picture))
    if args.log:
        for entry in picture.log:
            print(log_line(entry))
        if not picture.whole_log:
            print("(the API gives no more of so long a log)", file=sys.stderr)
    return 0


def watch(args: argparse.Namespace, api: Api) -> int:
    """Follow an instance until it has ended."""
    instance = api.whole_id(args.instance)
    if sys.stdout.isatty() and not args.json:
        return 0 if redraw(partial(_picture, api, instance), args.interval) == "SUCCEEDED" else 1
    printed: set[tuple[Any, ...]] = set()
    while True:
        found = api.read(f"instances/{instance}")
        for entry in found["log"]:
            name = tuple(entry[each] for each in LOG_ENTRY if each != "error")
            if name in printed:
                continue
            printed.add(name)
            if args.json:
                print_json_line(entry)
            else:
                print(log_line({**entry, "worker": None}), flush=True)
        if found["ended_at"] is not None:
            return 0 if found["status"] == "SUCCEEDED" else 1
        time.sleep(args.interval)


def explain(args: argparse.Namespace, api: Api) -> int:
    """Say why an instance is not moving."""
    instance = api.whole_id(args.instance)
    told = api.read(f"instances/{instance}/explain")["because"]
    reasons = [Because(one["task"], one["because"], one["advice"], None) for one in told]
    print_reasons(instance, reasons, as_json=args.json)
    return 0


def signal(args: argparse.Namespace, api: Api) -> int:
    """Send a signal."""
    payload = exact(read_json(args.payload, "the payload"))
    instance = api.whole_id(args.instance)
    body = {"payload": payload, "key": args.key or make_ids(1)[0].hex}
    sent = api.change(f"instances/{instance}/signals/{quote(args.name, '')}", body)
    if args.json:
        print_json({**sent, "faults": None})
    else:
        print(f"{sent['outcome']}: {sent['detail']}")
    return 0


def _deciding(verb: str) -> Verb:
    """Return what decides about instances, one request for each."""

    def run(args: argparse.Namespace, api: Api) -> int:
        ids = [api.whole_id(each) for each in args.instances]
        if verb in ("cancel", "erase"):
            ask(args, verb, "instance", [str(one) for one in ids])
        body = {"by": args.by} if verb == "erase" else None
        decided = [api.decide(instance, verb, body) for instance in ids]
        return print_decisions(decided, as_json=args.json)

    return run


def dead_letters(args: argparse.Namespace, api: Api) -> int:
    """List dead letters, the youngest first, and decide about them."""
    if args.action == "list":
        refuse(args, "records", "after")

        def print_open(rows: list[Row], more: str, looked_at: int | None) -> None:
            print_letters(args, [{**row, "open": True} for row in rows], more, looked_at)

        query = _letter_query(args, api)
        return _list(args, api, "dead-letters", query, print_open, groups=args.group)
    require_choice(args)
    keys = [Key(api.whole_id(instance), task) for instance, task in args.dead_letters]
    if not keys:
        rows, _, _ = api.pages("dead-letters", _letter_query(args, api), args.limit)
        keys = [Key(UUID(row["instance"]), row["task"]) for row in rows]
    given: dict[str, msgspec.Raw] = {}
    if args.action == "skip":
        given["output"] = exact(read_json(args.output, "--output"))
    elif args.action == "redrive" and args.input is not None:
        given["input"] = exact(read_json(args.input, "--input"))
    if args.action != "redrive":
        names = [f"{key.instance_id}/{key.task}" for key in keys]
        ask(args, args.action, "dead letter", names)
    decided = api.decide_each(
        f"dead-letters/{args.action}", as_items(keys, **given), "dead_letters"
    )
    if not decided and not args.json:
        print("no open dead letter matches")
        return 0
    return print_decisions(decided, as_json=args.json)


def _letter_query(args: argparse.Namespace, api: Api) -> dict[str, str | int | None]:
    instance = None if args.instance is None else str(api.whole_id(args.instance))
    named = {name: getattr(args, name) for name in ("workflow", "step", "queue", "code")}
    return {"instance": instance, **named}


def forms(args: argparse.Namespace, api: Api) -> int:
    """List open forms; claim, release and reassign them."""
    if args.action == "list":
        query: dict[str, str | int | None] = {
            "to": ",".join(args.people) if args.people else None,
            "workflow": args.workflow,
            "instance": None if args.instance is None else str(api.whole_id(args.instance)),
            "claimed_by": args.claimed_by,
        }
        refuse(args, "after")
        return _list(args, api, "forms", query, print_forms)
    named = [Key(api.whole_id(instance), task) for instance, task in args.forms]
    more = {"to": args.to} if args.action == "reassign" else {}
    decided = api.decide_each(f"forms/{args.action}", as_items(named), "forms", by=args.by, **more)
    return print_decisions(decided, as_json=args.json)


def answer(args: argparse.Namespace, api: Api) -> int:
    """Answer a form."""
    body: dict[str, Any] = {
        "instance": (instance := api.whole_id(args.form[0])),
        "task": (task := args.form[1]),
        "decision": args.decision,
        "by": args.by,
        "answer": exact(read_json(args.answer, "--answer")),
        "key": args.key or make_ids(1)[0].hex,
    }
    told = api.change("forms/answer", body)
    if args.json:
        print_json({"instance": str(instance), "task": task, **told, "faults": None})
    else:
        print(f"{instance}/{task}  {told['outcome']}: {one_line(told['detail'])}")
    return 0


def deploy(args: argparse.Namespace, api: Api) -> int:
    """Register workflows; what can be checked here is, before anything is sent."""
    refuse(args, "dry_run")
    found = find_definitions(args.paths, args.format)
    if found.faults:
        return tell_faults("deploy", found, 1, as_json=args.json)
    tell_left_out(found)
    deployed: list[Row] = []
    for file, checked in found.checked():
        told = api.ask(Request("POST", "workflows", {}, bytes(exact(checked.document.value))))
        deployed.append({"file": file, **told})
        if not args.json:
            what = "registered as" if told["created"] else "unchanged since"
            print(f"{told['name']}: {what} version {told['version']}")
    if args.json:
        print_json({"deployed": deployed, "faults": []})
    return 0


VERBS: Final[dict[str, Verb]] = {
    "start": start,
    "list": list_instances,
    "show": show,
    "watch": watch,
    "explain": explain,
    "signal": signal,
    "cancel": _deciding("cancel"),
    "suspend": _deciding("suspend"),
    "resume": _deciding("resume"),
    "erase": _deciding("erase"),
    "dead-letters": dead_letters,
    "forms": forms,
    "answer": answer,
    "deploy": deploy,
}
"""Each command that there is over the API."""
