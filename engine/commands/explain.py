"""Say in words why an instance is not moving, and what to do."""

import argparse
from collections.abc import Sequence
from uuid import UUID

from ..advice import advised, command_of
from ..calls import Because, explain_instance
from ..settings import Settings
from .arguments import add_instance, add_json
from .database import open_database, whole_id
from .output import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser)
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        instance = whole_id(conn, args.instance)
        reasons = explain_instance(conn, instance)
    print_reasons(instance, reasons, as_json=args.json)
    return 0


def print_reasons(instance: UUID, reasons: Sequence[Because], *, as_json: bool) -> None:
    """Print why an instance is not moving, and what to do."""
    if as_json:
        because = [
            {
                "task": reason.task,
                "because": reason.because,
                "advice": reason.advice,
                "command": command_of(reason.advice),
            }
            for reason in reasons
        ]
        print_json({"id": str(instance), "because": because})
    else:
        for reason in reasons:
            told = advised(reason.because, reason.advice)
            print(told if reason.task is None else f"  {reason.task}: {told}")
        if any(_has_failed(reason) for reason in reasons):
            print(f"onceflow show {instance} tells where its errors came from")


def _has_failed(reason: Because) -> bool:
    """Tell whether a reason is about a failed attempt, of which more is recorded than it says."""
    verb = None if reason.advice is None else reason.advice["verb"]
    return verb in ("redrive", "correct") or " failed with " in reason.because
