"""All configuration, in one frozen object made from ``ONCEFLOW_…`` variables.

An empty value counts as not set. Errors name the variable and the mend.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .accounts.mode import read_mode
from .accounts.provider import Provider, read_provider
from .egress import EVERYTHING, parse_egress
from .errors import SettingsError
from .labels.metrics import VARIABLE as METRIC_LABELS
from .labels.metrics import read_metric_labels
from .redact import keep_dsn, keep_named_secret, keep_secret, keep_url
from .secrets import FOLDER, NAME, NAME_RULE, Secrets
from .secrets import PREFIX as SECRET_PREFIX
from .traces.link import read_trace_url

PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
TRANSPORTS = ("kafka", "postgres")
HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?::[0-9]{1,5})?|\*")
HOST_V6 = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
ROOT_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
SCHEMA = re.compile(r'[A-Za-z_][A-Za-z0-9_$]*|"[^",\0]+"')
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")
LEASE = (0.1, 3600)
"""Seconds: what the table of workers takes."""


def _none() -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Settings:
    """What every process of Onceflow is told.

    ``dsn``            libpq conninfo or URL of Postgres; empty: not set (see ``require_dsn``)
    ``kafka``          bootstrap servers, ``host:port,…``; empty: not set (see ``kafka_config``)
    ``kafka_options``  librdkafka properties, e.g. ``security.protocol``
    ``schema_registry``  URL of the registry that has the schemas of topics' records; empty: none
    ``transport``      how messages travel to workers: ``kafka``, or ``postgres`` without a broker
    ``prefix``         what the names of our topics and groups begin with
    ``partitions``     how many partitions each of our topics is to have
    ``host``, ``port`` where the api listens; port 0 takes a free one
    ``accounts``       whether the api asks who calls it: ``on``, ``off``; empty: as is safe
    ``provider``       of identities, by which people log in; None: there is none
    ``hosts``          names by which the api is called, beside those of this machine itself
    ``root_path``      path under which a proxy shows the api, such as ``/flows``; empty: the root
    ``trace_url``      where a trace is looked at, with ``{trace_id}``; empty: pages have no links
    ``trusted_proxies``  addresses and networks whose ``X-Forwarded-…`` headers the api believes
    ``metrics_host``, ``metrics_port``  where the process serves metrics and tells how it is; port
                       None: nowhere, 0 takes a free one
    ``metric_labels``  labels that the relay sums instances by, and tells in its metrics
    ``sql_search_path``  where the SQL of handlers and of ``sql.execute`` looks for names
    ``lease``          seconds that a worker may be silent before its tasks are given out again
    ``data``           folder in which ``onceflow dev`` and ``demo`` keep their servers' data
    ``log``            debug, info, warning or error
    ``log_format``     text or json
    ``http_allow``     hosts, networks and ports that ``http.request`` may reach (see ``egress``)
    ``secrets_dir``    folder of files that are secrets of definitions; None: there is none
    ``secret_variables``  secrets of definitions that came as variables, by their names
    """

    dsn: str = ""
    kafka: str = ""
    kafka_options: Mapping[str, str] = field(default_factory=_none)
    schema_registry: str = ""
    transport: str = "kafka"
    prefix: str = "onceflow"
    partitions: int = 8
    host: str = "127.0.0.1"
    port: int = 3000
    accounts: str = ""
    provider: Provider | None = None
    hosts: tuple[str, ...] = ()
    root_path: str = ""
    trace_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    metric_labels: tuple[str, ...] = ()
    sql_search_path: str = "public"
    lease: float = 15.0
    data: Path = Path(".onceflow")
    log: str = "info"
    log_format: str = "text"
    http_allow: str = EVERYTHING
    secrets_dir: Path | None = None
    secret_variables: Mapping[str, str] = field(default_factory=_none, repr=False)

    def __post_init__(self) -> None:
        """Have what is secret in it masked from now on, wherever it is told."""
        keep_dsn(self.dsn)
        for url in self.schema_registry.split(","):
            keep_url(url)
        for name, value in self.kafka_options.items():
            if name.endswith(("password", "secret", "token")):
                keep_secret(value)
        for name, value in self.secret_variables.items():
            keep_named_secret(name, value)

    @property
    def secrets(self) -> Secrets:
        """The secrets that definitions name."""
        return Secrets(self.secrets_dir, self.secret_variables)

    def require_dsn(self) -> str:
        """Return the dsn. Raises SettingsError where none is set."""
        if not self.dsn:
            raise SettingsError(
                "ONCEFLOW_DSN is not set: give the connection string of Postgres, for example "
                "postgresql://user@host:5432/database, or use `onceflow dev`, which brings its own"
            )
        return self.dsn

    def kafka_config(self) -> dict[str, str]:
        """Return the librdkafka configuration that producers, consumers and admins begin with.

        Raises SettingsError where ``kafka`` is not set.
        """
        if not self.kafka:
            raise SettingsError(
                "ONCEFLOW_KAFKA is not set: give the bootstrap servers, for example "
                "localhost:9092, or use `onceflow dev`, which brings its own broker; or do without "
                "one by ONCEFLOW_TRANSPORT=postgres"
            )
        return {"bootstrap.servers": self.kafka, **self.kafka_options}

    def require_schema_registry(self) -> str:
        """Return the URL of the schema registry. Raises SettingsError where none is set."""
        if not self.schema_registry:
            raise SettingsError(
                "ONCEFLOW_SCHEMA_REGISTRY is not set: give the relay the URL of the schema "
                "registry, for example http://localhost:8081"
            )
        return self.schema_registry

    def require_servers(self) -> None:
        """Require that all servers which the transport needs are named. Raises SettingsError."""
        self.require_dsn()
        if self.transport == "kafka":
            self.kafka_config()

    def environment(self) -> dict[str, str]:
        """Return the variables that give a child process these settings."""
        env = {
            "ONCEFLOW_DSN": self.dsn,
            "ONCEFLOW_KAFKA": self.kafka,
            "ONCEFLOW_SCHEMA_REGISTRY": self.schema_registry,
            "ONCEFLOW_TRANSPORT": self.transport,
            "ONCEFLOW_PREFIX": self.prefix,
            "ONCEFLOW_PARTITIONS": str(self.partitions),
            "ONCEFLOW_HOST": self.host,
            "ONCEFLOW_PORT": str(self.port),
            "ONCEFLOW_ACCOUNTS": self.accounts,
            "ONCEFLOW_HOSTS": ",".join(self.hosts),
            "ONCEFLOW_ROOT_PATH": self.root_path,
            "ONCEFLOW_TRACE_URL": self.trace_url,
            "ONCEFLOW_TRUSTED_PROXIES": ",".join(self.trusted_proxies),
            "ONCEFLOW_METRICS_HOST": self.metrics_host,
            "ONCEFLOW_METRICS_PORT": "" if self.metrics_port is None else str(self.metrics_port),
            METRIC_LABELS: ",".join(self.metric_labels),
            "ONCEFLOW_SQL_SEARCH_PATH": self.sql_search_path,
            "ONCEFLOW_LEASE": str(self.lease),
            "ONCEFLOW_DATA": str(self.data),
            "ONCEFLOW_LOG": self.log,
            "ONCEFLOW_LOG_FORMAT": self.log_format,
            "ONCEFLOW_HTTP_ALLOW": self.http_allow,
            FOLDER: "" if self.secrets_dir is None else str(self.secrets_dir),
        }
        for name, value in self.kafka_options.items():
            env["ONCEFLOW_KAFKA_" + name.replace(".", "_").upper()] = value
        for name, value in self.secret_variables.items():
            env[SECRET_PREFIX + name] = value
        return env


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings out of ``env`` (the process's own by default). Raises SettingsError."""
    env = os.environ if env is None else env
    default = Settings()
    return Settings(
        dsn=_dsn(env.get("ONCEFLOW_DSN", "").strip(), env.get("ONCEFLOW_DSN_PASSWORD", "")),
        kafka=_bootstrap(env.get("ONCEFLOW_KAFKA", "").strip()),
        kafka_options=_kafka_options(env),
        schema_registry=_registry(env.get("ONCEFLOW_SCHEMA_REGISTRY", "").strip()),
        transport=_one_of(env, "ONCEFLOW_TRANSPORT", TRANSPORTS, default.transport),
        prefix=_prefix(env.get("ONCEFLOW_PREFIX") or default.prefix),
        partitions=int(_number(env, "ONCEFLOW_PARTITIONS", default.partitions, 1, 10_000)),
        host=env.get("ONCEFLOW_HOST") or default.host,
        port=int(_number(env, "ONCEFLOW_PORT", default.port, 0, 65_535)),
        accounts=read_mode(env),
        provider=read_provider(env),
        hosts=_hosts(env.get("ONCEFLOW_HOSTS", "")),
        root_path=_root_path(env.get("ONCEFLOW_ROOT_PATH", "").strip()),
        trace_url=read_trace_url(env),
        trusted_proxies=_proxies(env.get("ONCEFLOW_TRUSTED_PROXIES", "")),
        metrics_host=env.get("ONCEFLOW_METRICS_HOST", "").strip() or default.metrics_host,
        metrics_port=_metrics_port(env),
        metric_labels=read_metric_labels(env),
        sql_search_path=_search_path(
            env.get("ONCEFLOW_SQL_SEARCH_PATH") or default.sql_search_path
        ),
        lease=_number(env, "ONCEFLOW_LEASE", default.lease, *LEASE, whole=False),
        data=Path(env.get("ONCEFLOW_DATA") or default.data),
        log=_one_of(env, "ONCEFLOW_LOG", LOG_LEVELS, default.log),
        log_format=_one_of(env, "ONCEFLOW_LOG_FORMAT", LOG_FORMATS, default.log_format),
        http_allow=_http_allow(env.get("ONCEFLOW_HTTP_ALLOW", "").strip() or default.http_allow),
        secrets_dir=Path(env[FOLDER]) if env.get(FOLDER) else None,
        secret_variables=_secret_variables(env),
    )


def _number(
    env: Mapping[str, str],
    name: str,
    default: float,
    least: float,
    most: float,
    *,
    whole: bool = True,
) -> float:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        raise SettingsError(f"{name} is {text!r}: give {kind} from {least} to {most}")
    return value


def _metrics_port(env: Mapping[str, str]) -> int | None:
    port = int(_number(env, "ONCEFLOW_METRICS_PORT", -1, 0, 65_535))
    return None if port < 0 else port


def _dsn(text: str, password: str) -> str:
    if text:
        import psycopg  # here: what needs no database does not wait for it
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        try:
            given = conninfo_to_dict(text)
        except psycopg.ProgrammingError as error:
            # libpq repeats parts of the string, which may hold a password: do not print it all.
            reason = str(error).strip().split('"')[0].strip()
            raise SettingsError(
                f"ONCEFLOW_DSN is not a connection string that libpq can read ({reason} …): give "
                "postgresql://user@host:5432/database or 'host=… dbname=…'"
            ) from None
        # libpq would take what follows for a host, and tell it.
        login, at, place = text.partition("://")[2].partition("?")[0].partition("@")
        if at and ("/" in login or "@" in place):
            raise SettingsError(
                "ONCEFLOW_DSN has an @ or a / in its user or password: write %40 and %2F for them, "
                "or give the password as it is by ONCEFLOW_DSN_PASSWORD"
            )
        if password and "password" not in given:
            return make_conninfo(text, password=password)
    return text


def _bootstrap(text: str) -> str:
    for server in text.split(",") if text else []:
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65_536:
            raise SettingsError(
                f"ONCEFLOW_KAFKA names the server {server.strip()!r}: give host:port, "
                "several with commas between them"
            )
    return text


def _registry(text: str) -> str:
    for url in _listed(text):
        if not url.startswith(("http://", "https://")):
            raise SettingsError(
                "ONCEFLOW_SCHEMA_REGISTRY names no URL: give http://host:port or https://host, "
                "several of one registry with commas between them"
            )
    return text


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _hosts(text: str) -> tuple[str, ...]:
    hosts = _listed(text)
    for host in hosts:
        if not (HOST.fullmatch(host) or HOST_V6.fullmatch(host)):
            raise SettingsError(
                f"ONCEFLOW_HOSTS names {host!r}: give names as they stand in the address bar, "
                "with a port only where no other is meant (flows.example.com, *.example.com, "
                "10.0.0.5:3000), several with commas between them; * takes any"
            )
    return tuple(host.lower() for host in hosts)


def _root_path(text: str) -> str:
    path = text.rstrip("/")
    if not ROOT_PATH.fullmatch(path) or set(path.split("/")) & {".", ".."}:
        raise SettingsError(
            f"ONCEFLOW_ROOT_PATH is {text!r}: give the path under which a proxy shows the api, "
            "beginning with a slash, such as /flows"
        )
    return path


def _proxies(text: str) -> tuple[str, ...]:
    proxies = _listed(text)
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise SettingsError(
                f"ONCEFLOW_TRUSTED_PROXIES names {proxy!r}: give addresses or networks, such as "
                f"10.0.0.5 or 10.0.0.0/24, several with commas between them ({error})"
            ) from None
    return tuple(proxies)


def _search_path(text: str) -> str:
    schemas = _listed(text)
    wrong = [name for name in schemas if not SCHEMA.fullmatch(name)]
    if not schemas or wrong:
        raise SettingsError(
            f"ONCEFLOW_SQL_SEARCH_PATH is {text!r}: give names of schemas as SQL has them, with "
            'commas between them, such as public or sales, "Old Sales"'
        )
    ours = {"onceflow", "onceflow_migrations"}
    if ours & {name.strip('"') if name.startswith('"') else name.lower() for name in schemas}:
        raise SettingsError(
            f"ONCEFLOW_SQL_SEARCH_PATH is {text!r}: the engine's own schema is not for tables of "
            "handlers, which would stand among its own; leave it out, and write onceflow.… where "
            "it is meant"
        )
    return ", ".join(schemas)


def _kafka_options(env: Mapping[str, str]) -> dict[str, str]:
    start = "ONCEFLOW_KAFKA_"
    return {
        name.removeprefix(start).lower().replace("_", "."): value
        for name, value in sorted(env.items())
        if name.startswith(start) and len(name) > len(start) and value
    }


def _secret_variables(env: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that variables hold, by their names. Raises SettingsError."""
    found = {
        name.removeprefix(SECRET_PREFIX): value
        for name, value in sorted(env.items())
        if name.startswith(SECRET_PREFIX) and value
    }
    for name in found:
        if not NAME.fullmatch(name):
            raise SettingsError(f"{SECRET_PREFIX}{name} names no secret: a name is {NAME_RULE}")
    return found


def _one_of(env: Mapping[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    text = env.get(name, "").strip() or default
    if text.lower() not in known:
        raise SettingsError(f"{name} is {text!r}: give one of {', '.join(known)}")
    return text.lower()


def _prefix(text: str) -> str:
    if not PREFIX.fullmatch(text):
        raise SettingsError(
            f"ONCEFLOW_PREFIX is {text!r}: give at most 100 letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit, as Kafka takes them in the names of topics"
        )
    return text


def _http_allow(text: str) -> str:
    parse_egress(text)
    return text
