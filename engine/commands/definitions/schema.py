"""Print the JSON Schema of definitions, for editors and other tools.

A running api serves the same at /schema/workflow.json.
"""

import argparse
import json

from ...definition import json_schema
from ...settings import Settings


def add_arguments(_: argparse.ArgumentParser) -> None:
    pass


def run(_: argparse.Namespace, __: Settings) -> int:
    print(json.dumps(json_schema(), indent=2))
    return 0
