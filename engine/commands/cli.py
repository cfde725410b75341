"""The command line: ``onceflow COMMAND …``.

A command is a module with ``add_arguments(parser)`` and ``run(args, settings) -> int``. It is named
here and imported only when it is called, so that engine needs neither Kafka nor Starlette, and each
command starts fast. Exit codes: 0 fine, 1 failed, 2 wrong usage or settings.
"""

import argparse
import gc
import importlib
import inspect
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

from ..dev.dev_file import with_running_dev
from ..errors import DefinitionError, OnceflowError, SettingsError
from ..extras import MissingExtra, told_by_name
from ..logs import escaped, report_what_nobody_caught, set_up_logging
from ..redact import masked
from ..settings import Settings, load_settings
from .terminal.encodings import write_any_text

PACKAGE = __name__.removesuffix(".engine.commands.cli")


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command is, and the line that ``onceflow --help`` shows of it."""

    module: str
    summary: str


DEFINITIONS = "engine.commands.definitions"

COMMANDS = {
    "dev": Command("engine.commands.dev", "run everything on this machine until Ctrl-C"),
    "demo": Command("examples.invoice.command", "run the invoice example from order to e-mail"),
    "migrate": Command("engine.commands.migrate", "bring the database to this release's schema"),
    "transport": Command("engine.commands.transport", "switch how messages travel to workers"),
    "api": Command("api.command", "serve the REST API and the web pages"),
    "relay": Command("relay.command", "ship the outbox to Kafka and turn the clock"),
    "worker": Command("worker.command", "run tasks"),
    "new": Command(f"{DEFINITIONS}.new", "begin a definition"),
    "schema": Command(f"{DEFINITIONS}.schema", "print the JSON Schema of definitions"),
    "validate": Command(f"{DEFINITIONS}.validate", "say what is wrong with definitions"),
    "deploy": Command(f"{DEFINITIONS}.deploy", "register workflows from files"),
    "diff": Command(f"{DEFINITIONS}.diff", "say what a deploy would change"),
    "graph": Command(f"{DEFINITIONS}.graph", "draw a workflow, as Mermaid or SVG"),
    "start": Command("engine.commands.start", "start an instance of a workflow"),
    "list": Command("engine.commands.list", "list instances"),
    "show": Command("engine.commands.show", "show an instance: its tasks, attempts, errors"),
    "watch": Command("engine.commands.watch", "follow an instance until it ends"),
    "cancel": Command("engine.commands.cancel", "cancel instances"),
    "suspend": Command("engine.commands.suspend", "hold instances back"),
    "resume": Command("engine.commands.resume", "let suspended instances go on"),
    "label": Command("engine.commands.label", "give instances labels, or take them away"),
    "dead-letters": Command("engine.commands.dead_letters", "list, redrive, skip, discard"),
    "forms": Command("engine.commands.people.forms", "list what people are asked; claim, reassign"),
    "answer": Command("engine.commands.people.answer", "answer what an approve asks"),
    "complete": Command("engine.commands.complete", "complete a deferred task by its token"),
    "fail": Command("engine.commands.fail", "fail a deferred task by its token"),
    "signal": Command("engine.commands.sending.signal", "send a signal to an instance"),
    "event": Command("engine.commands.sending.event", "send an event to whoever waits for it"),
    "drop-partitions": Command(
        "engine.commands.retention.drop_partitions", "drop weeks that ended long ago"
    ),
    "drop-audit": Command(
        "engine.commands.retention.drop_audit", "drop what the audit has of long ago"
    ),
    "erase": Command("engine.commands.retention.erase", "erase the payloads of ended instances"),
    "versions": Command("engine.commands.versions", "list a workflow's versions and what is open"),
    "disable": Command("engine.commands.switches.disable", "let no instances of workflows start"),
    "enable": Command("engine.commands.switches.enable", "let them start again"),
    "queue": Command("engine.commands.switches.queue", "pause queues, and resume them"),
    "schedule": Command(
        "engine.commands.switches.schedule", "what schedules plan, and did; start, backfill"
    ),
    "triggers": Command(
        "engine.commands.switches.triggers", "what starts instances by itself; pause, resume"
    ),
    "key": Command("engine.commands.accounts.key", "keys by which programs call the API"),
    "person": Command("engine.commands.accounts.person", "people who log in to the pages"),
    "config": Command("engine.commands.switches.config", "values that definitions name"),
    "audit": Command("engine.commands.audit", "list who changed what"),
    "explain": Command("engine.commands.explain", "say why an instance is not moving"),
}

OVER_API = "client.commands.verbs"
"""What carries commands out by `onceflow --api URL COMMAND`."""

# Servers and those that start them look for no running `onceflow dev`: they are told where to go.
ON_THEIR_OWN = {"dev", "demo", "api", "relay", "worker"}

# What needs neither a server nor a setting: no wrong one keeps it from its work.
OFFLINE = {"new", "schema", "validate"}

ENVIRONMENT = """onceflow --api URL COMMAND … asks the REST API in place of the database, with the
key in ONCEFLOW_API_KEY, or in the file of --key-file.

settings are environment variables:
  ONCEFLOW_API        URL of the REST API, where no --api is given: commands ask it
  ONCEFLOW_DSN        connection string of Postgres (left out: that of a running `onceflow dev`)
  ONCEFLOW_DSN_PASSWORD   its password, where it has none; any characters
  ONCEFLOW_KAFKA      bootstrap servers, host:port,… (left out: those of a running `onceflow dev`)
  ONCEFLOW_KAFKA_X_Y  the librdkafka property x.y, such as ONCEFLOW_KAFKA_SECURITY_PROTOCOL
  ONCEFLOW_SCHEMA_REGISTRY   URL of the registry that topics in Avro or Protobuf need
  ONCEFLOW_TRANSPORT  how messages travel: kafka, or postgres, which needs no broker    (kafka)
  ONCEFLOW_PREFIX     what the names of topics and groups begin with    (onceflow)
  ONCEFLOW_PARTITIONS partitions of each topic                          (8)
  ONCEFLOW_HOST, ONCEFLOW_PORT   where the api listens                  (127.0.0.1, 3000)
  ONCEFLOW_ACCOUNTS   whether the api asks who calls it: on or off      (as is safe)
  ONCEFLOW_OIDC_ISSUER   the provider by which people log in; _CLIENT_ID, _SECRET_FILE, _ROLES
  ONCEFLOW_HOSTS      names by which the api is called, beside this machine's own
  ONCEFLOW_ROOT_PATH  path under which a proxy shows the api            (/)
  ONCEFLOW_TRACE_URL  where a trace is looked at, with {trace_id} in it: pages link to it
  ONCEFLOW_TRUSTED_PROXIES   addresses whose X-Forwarded-Host and -Proto are believed
  ONCEFLOW_METRICS_HOST, ONCEFLOW_METRICS_PORT   where metrics are served (127.0.0.1, nowhere)
  ONCEFLOW_SQL_SEARCH_PATH   where the SQL of handlers looks for names  (public)
  ONCEFLOW_LEASE      seconds that a worker may be silent               (15)
  ONCEFLOW_DATA       folder of the embedded servers' data              (.onceflow)
  ONCEFLOW_LOG        debug, info, warning or error                     (info)
  ONCEFLOW_LOG_FORMAT text, or json: one object a line                  (text)
  ONCEFLOW_HTTP_ALLOW hosts, networks, ports that http.request may reach (all but link-local)
  ONCEFLOW_SECRETS_DIR   a folder with a file for each secret that definitions name
  ONCEFLOW_SECRET_X   the secret X, where no file is it"""


class CommandModule(Protocol):
    """What a module of a command has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace, settings: Settings) -> int: ...

    # Besides, a module may have FAILED: the exit code of an error, where 1 means something else.


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    api, arguments = _take_api(list(sys.argv[1:] if argv is None else argv))
    if argv is None:  # the process is ours
        write_any_text()
        report_what_nobody_caught()
    if not arguments or arguments[0] not in COMMANDS:
        return _without_command(arguments)
    name = arguments[0]
    collects = gc.isenabled()
    if argv is None:
        gc.disable()  # while it loads, and what is offline is over before its garbage would matter
    try:
        with told_by_name():
            return _run(name, arguments[1:], api, collects=collects)
    except MissingExtra as error:
        return _complain(name, error, 2)
    finally:
        if collects:
            gc.enable()


class Reach(NamedTuple):
    """Where commands are carried out: by the API at ``url``, or where that is empty the database.

    ``given``: by an option, and not by the variable.
    """

    url: str
    key_file: str | None = None
    given: bool = False


def _take_api(arguments: list[str]) -> tuple[Reach, list[str]]:
    """Take ``--api`` and ``--key-file`` from before the command."""
    parser = argparse.ArgumentParser(prog="onceflow", add_help=False, allow_abbrev=False)
    parser.add_argument("--api")
    parser.add_argument("--key-file")
    before = next((n for n, text in enumerate(arguments) if text in COMMANDS), 0)
    options, left = parser.parse_known_args(arguments[:before])
    url = options.api or os.environ.get("ONCEFLOW_API", "").strip()
    return Reach(url, options.key_file, options.api is not None), left + arguments[before:]


def _run(name: str, arguments: list[str], api: Reach, *, collects: bool) -> int:
    module = _load(COMMANDS[name])
    parser = argparse.ArgumentParser(
        prog=f"onceflow {name}",
        description=inspect.getdoc(module),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    args = parser.parse_args(arguments)
    try:
        settings = load_settings({}) if name in OFFLINE else load_settings()
        set_up_logging(settings.log, settings.log_format)
        if not api.url and name not in ON_THEIR_OWN | OFFLINE:
            settings = with_running_dev(settings)
        if collects and name not in OFFLINE:
            gc.enable()
        if api.url and (api.given or name not in ON_THEIR_OWN | OFFLINE):
            remote = cast(Any, importlib.import_module(f"{PACKAGE}.{OVER_API}"))
            code = remote.run(name, args, api.url, api.key_file)
        else:
            code = module.run(args, settings)
        sys.stdout.flush()
    except SettingsError as error:
        return _complain(name, error, 2)
    except DefinitionError as error:
        return _list_faults(name, error)
    except (OnceflowError, *_database_errors()) as error:
        return _complain(name, error, getattr(module, "FAILED", 1))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does: not even the last flush is wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _database_errors() -> tuple[type[Exception], ...]:
    """Return what a database that does not answer raises; of a driver never loaded, nothing."""
    driver = sys.modules.get("psycopg")
    return () if driver is None else (cast(Any, driver).OperationalError,)


def _load(command: Command) -> CommandModule:
    return cast(CommandModule, importlib.import_module(f"{PACKAGE}.{command.module}"))


def _without_command(arguments: list[str]) -> int:
    """Answer ``--help``, ``--version`` and what is no command of ours."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="onceflow",
        usage="onceflow [--api URL [--key-file FILE]] COMMAND [ARGUMENT …]",
        description="A distributed workflow engine on PostgreSQL and Kafka.",
        epilog="commands (onceflow COMMAND --help tells more):\n"
        + "\n".join(lines)
        + f"\n\n{ENVIRONMENT}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    from importlib.metadata import version

    parser.add_argument("--version", action="version", version=f"onceflow {version('onceflow')}")
    parser.parse_known_args(arguments)
    if arguments:
        parser.error(f"there is no command {arguments[0]!r}; try onceflow --help")
    parser.print_help()
    return 2


def _list_faults(name: str, error: DefinitionError) -> int:
    """Print each fault once, of a definition that is no file's."""
    count = len(error.faults)
    what = f"{count} faults" if count > 1 else "1 fault"
    print(f"onceflow {name}: the definition has {what}", file=sys.stderr)
    for fault in error.faults:
        print(escaped(" ".join(masked(str(fault)).split())), file=sys.stderr)
    return 1


def _complain(name: str, error: Exception, code: int) -> int:
    print(f"onceflow {name}: {masked(str(error)).strip()}", file=sys.stderr)
    return code
