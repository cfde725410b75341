"""Begin a definition: a small one that works, which editors check and complete.

Its first line tells the YAML language server where the JSON Schema of definitions is: in the file
workflow.schema.json beside it, which is written too, or where --schema says.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Final

from ...definition import json_schema
from ...definition.steps.work import NAME
from ...errors import BadArgument
from ...settings import Settings

SCHEMA: Final = "workflow.schema.json"

TEMPLATE: Final = """\
# yaml-language-server: $schema={schema}
name: {name}
description: What it is for, in a sentence.
input:
  type: object
  required: [customer]
  properties:
    customer: {{type: string}}
steps:
  - id: read-order
    task: http.request # a handler of that name in a worker
    with: {{url: "https://shop.example/orders/${{ $.input.customer }}"}}
    retry: {{attempts: 5, backoff: 1s}}
    timeout: 30s

  - id: total
    set: ${{ $.steps.read-order.output.body.total | default(0) }}

  - id: refuse
    when: $.steps.total.output > 5000
    fail: {{code: order.too_large, message: "a person has to look at the order"}}
output: {{total: $.steps.total.output}}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a file that is not there yet: order.yaml")
    parser.add_argument(
        "--schema",
        metavar="URL",
        help="where the schema is, such as http://127.0.0.1:3000/schema/workflow.json of a running "
        f"api; else it is written to {SCHEMA}, beside the file",
    )


def run(args: argparse.Namespace, _: Settings) -> int:
    file = Path(args.file)
    if not file.suffix:
        file = file.with_suffix(".yaml")
    if file.suffix not in (".yaml", ".yml"):
        raise BadArgument(f"{file} is not YAML by its name", hint=f"give {file.stem}.yaml")
    if not re.fullmatch(NAME, file.stem):
        raise BadArgument(
            f"{file.stem!r} is no name of a workflow: a letter, then letters, digits, . - or _"
        )
    beside = file.with_name(SCHEMA)
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(TEMPLATE.format(schema=args.schema or SCHEMA, name=file.stem))
        if args.schema is None:
            beside.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
    except FileExistsError:
        raise BadArgument(f"{file} is there already", hint="give another name") from None
    except OSError as error:
        raise BadArgument(f"{error.filename} cannot be written: {error.strerror}") from error
    print(f"{file}: begun" + ("" if args.schema else f"; its schema is in {beside}"))
    print(f"what is wrong with it: onceflow validate {file}")
    return 0
