"""Tells whether one process of the deployment is well: exit code 0, or 1 and the reason.

usage: healthcheck.py http URL      the URL is answered with 200
       healthcheck.py smtp PORT     a mail server on this machine greets
       healthcheck.py relay         its session with Postgres is open, and no message is overdue
       healthcheck.py worker        a worker of this host has a live lease

relay and worker serve nothing that could be asked, so Postgres (``ONCEFLOW_DSN``) is. A relay of
this host is one whose session comes from the address from which this check's own session comes.
"""

import os
import smtplib
import socket
import sys
import urllib.request
from collections.abc import Callable

import psycopg
import psycopg.conninfo

SESSION = """
select exists (
  select from pg_catalog.pg_stat_activity a
  where a.application_name like %s
    and a.client_addr is not distinct from pg_catalog.inet_client_addr()
)"""

OVERDUE = """
select coalesce(sum(b.rows), 0) from onceflow.outbox_backlog b
where b.oldest_at < pg_catalog.now() - interval '60 s'"""

LIVE = """
select exists (
  select from onceflow.workers w
  where w.name like %s and w.state = 'live' and w.lease_until > pg_catalog.clock_timestamp()
)"""


def check_http(url: str) -> str:
    """Return what is wrong with the server at ``url``, or nothing."""
    with urllib.request.urlopen(url, timeout=4) as answer:  # noqa: S310 - a URL of the deployment
        return "" if answer.status == 200 else f"{url} answers {answer.status}"


def check_smtp(port: str) -> str:
    """Return what is wrong with the mail server on ``port``, or nothing."""
    with smtplib.SMTP("127.0.0.1", int(port), timeout=4) as client:
        code, text = client.noop()
        return "" if code == 250 else f"the mail server answers {code} {text.decode()}"


def check_relay() -> str:
    """Return what is wrong with the relay of this host, or nothing."""
    with _connect() as connection:
        if not _value(connection, SESSION, "onceflow relay%"):
            return "the relay has no session with Postgres"
        if os.environ.get("ONCEFLOW_TRANSPORT") == "postgres":
            return ""  # the outbox is the workers' queue, which may be long
        overdue = _value(connection, OVERDUE)
        return f"{overdue} messages were not shipped for 60 s" if overdue else ""


def check_worker() -> str:
    """Return what is wrong with the worker of this host, or nothing."""
    with _connect() as connection:
        host = socket.gethostname().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        if not _value(connection, LIVE, f"{host}:%"):
            return "no worker of this host has a live lease"
        return ""


def _connect() -> psycopg.Connection[tuple[object, ...]]:
    password = os.environ.get("ONCEFLOW_DSN_PASSWORD") or None
    dsn = psycopg.conninfo.make_conninfo(os.environ["ONCEFLOW_DSN"], password=password)
    return psycopg.connect(dsn, autocommit=True, connect_timeout=4)


def _value(
    connection: psycopg.Connection[tuple[object, ...]], query: str, *parameters: str
) -> object:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return row[0] if row else None


CHECKS: dict[str, Callable[..., str]] = {
    "http": check_http,
    "smtp": check_smtp,
    "relay": check_relay,
    "worker": check_worker,
}


def main(arguments: list[str]) -> int:
    """Run one check."""
    try:
        fault = CHECKS[arguments[0]](*arguments[1:])
    except (OSError, smtplib.SMTPException, psycopg.Error) as error:
        fault = str(error)
    if fault:
        print(fault, file=sys.stderr)
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
