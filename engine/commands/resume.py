"""Let suspended instances go on.

What has become due meanwhile is started. An open dead letter holds nothing but what depends on it,
and goes when it is redriven, skipped or discarded. Exits 1 where one could not be resumed, and says
why.
"""

import argparse

from ..calls import resume_instances
from ..settings import Settings
from .arguments import add_instance, add_json
from .database import open_database, whole_ids
from .output import print_decisions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_instance(parser, many=True)
    add_json(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    with open_database(settings) as conn:
        decisions = resume_instances(conn, whole_ids(conn, args.instances))
    return print_decisions(decisions, as_json=args.json)
