"""What ``explain_instance`` advises, as one types it at a command line."""

import shlex
from collections.abc import Mapping
from typing import Any, Final

BUILT_IN: Final = frozenset(
    {"http.request", "kafka.publish", "pdf.render", "smtp.send", "sql.execute"}
)
"""Tasks whose handlers come with Onceflow."""


def command_of(advice: Mapping[str, Any] | None) -> str | None:
    """Return the command; None where there is none that works as it stands."""
    if advice is None:
        return None
    args: Mapping[str, str] = advice["args"]
    match advice["verb"]:
        case "relay":
            return "onceflow relay"
        case "resume":
            return f"onceflow resume {args['instance']}"
        case "resend":
            return f"onceflow suspend {args['instance']} && onceflow resume {args['instance']}"
        case "redrive":
            letter = shlex.quote(f"{args['instance']}/{args['task']}")
            return f"onceflow dead-letters redrive {letter}"
        case "signal":
            return f"onceflow signal {args['instance']} {args['signal']}"
        case "event":
            return f"onceflow event {args['event']} {shlex.quote(args['key'])}"
        case "resume_queue":
            return f"onceflow queue resume {shlex.quote(args['queue'])}"
        case "enable":
            return f"onceflow enable {args['workflow']}"
        case "transport":
            return f"onceflow transport {args['transport']}"
        case "worker" if args["task"] in BUILT_IN:
            queue = shlex.quote(args["queue"])
            return f"onceflow worker --import onceflow.worker.integrations --queues {queue}"
        case _:
            return None


def advised(because: str, advice: Mapping[str, Any] | None) -> str:
    """Return a reason with the command that it advises, or with what goes into that."""
    command = command_of(advice)
    if command is not None:
        return f"{because}: {command}"
    if advice is not None and advice["verb"] in ("correct", "value"):
        letter = shlex.quote(f"{advice['args']['instance']}/{advice['args']['task']}")
        what = "input" if advice["verb"] == "correct" else "value"
        return f"{because}: onceflow dead-letters redrive {letter}, with --input and that {what}"
    if advice is not None and advice["verb"] == "skip":
        letter = shlex.quote(f"{advice['args']['instance']}/{advice['args']['task']}")
        return f"{because}: onceflow dead-letters skip {letter}, with --output and that output"
    if advice is not None and advice["verb"] == "answer":
        form = shlex.quote(f"{advice['args']['instance']}/{advice['args']['task']}")
        decision = advice["args"]["decision"]
        return f"{because}: onceflow answer {form} {decision}, with --by, and --answer if it asks"
    if advice is not None and advice["verb"] == "worker":
        queue = shlex.quote(advice["args"]["queue"])
        return f"{because}: onceflow worker, with the --import of its module and --queues {queue}"
    return because
