"""docs/clients.md tells the truth: each of its examples is run, and does what it says."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from onceflow.client import Client

from ..api.definitions import ORDER
from ..api.hand_worker import HandWorker
from ..support import wait_until
from .conftest import House

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
EXAMPLES = dict(
    re.findall(r"<!-- run: (\S+) -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
)
RUN_WHOLE = {"asyncpg", "dead-letters", "http", "psycopg", "sqlalchemy", "start", "types"}
DJANGO = """
import json
import os
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": json.loads(os.environ["DJANGO_DATABASE"])},
)
import django

django.setup()
from django.test import RequestFactory

import example

post = RequestFactory().post
made = example.place_order(post("/orders", {"customer": "ALFKI", "total": "12.5"}))
assert made.status_code == 201, made.content
refused = example.place_order(post("/orders", {"customer": "", "total": "-1"}))
assert refused.status_code == 422
assert json.loads(refused.content)["faults"][0]["place"] == "/input/customer"
"""
FASTAPI = """
from uuid import uuid4
from fastapi.testclient import TestClient

import example

with TestClient(example.app) as client:
    made = client.post("/orders", json={"customer": "ALFKI", "total": 12.5})
    assert made.status_code == 202, made.text
    receipt = client.get(f"/orders/{made.json()['instance']}/receipt")
    assert receipt.json() == {"paid": "12.5"}, receipt.text
    assert client.get(f"/orders/{uuid4()}/receipt").status_code == 404
"""


@pytest.fixture(scope="module")
def shop(house: House) -> Iterator[House]:
    """The workflow of the page, a table of its application's, and a worker that does the work."""
    with Client(house.dsn) as client:
        client.deploy(ORDER)
    stop = threading.Event()
    with closing(psycopg.connect(house.dsn, autocommit=True)) as conn:
        conn.execute(
            "create table shop_order (id int generated always as identity primary key,"
            " customer text not null, total numeric not null)"
        )
        thread = threading.Thread(target=work, args=[conn, stop])
        thread.start()
        yield house
        stop.set()
        thread.join()


def work(conn: psycopg.Connection[Any], stop: threading.Event) -> None:
    """Complete every task that is queued, with its input for an output; no total pays 13."""
    worker = HandWorker(conn, lease=3600)  # it outlives the module, and renews nothing
    while not stop.wait(0.02):
        due = conn.execute(
            "select instance_id, input::text from onceflow.tasks where state = 'QUEUED'"
        ).fetchall()
        for instance, given in due:
            if given == '{"amount": 13}':
                worker.fail(instance)
            else:
                worker.complete(instance, given.encode())


def run(house: House, folder: Path, code: str) -> str:
    """Run a program in a process of its own; return what it said."""
    of = {name: str(value) for name, value in conninfo_to_dict(house.dsn).items()}
    database = of.pop("dbname")
    url = sa.URL.create("postgresql", database=database, query=of)
    given = {
        "ONCEFLOW_DSN": url.render_as_string(hide_password=False),
        "ONCEFLOW_URL": house.url,
        "SQLALCHEMY_URL": url.set(drivername="postgresql+psycopg").render_as_string(
            hide_password=False
        ),
        "DJANGO_DATABASE": json_of(database, of),
    }
    ended = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", code],
        env={k: v for k, v in os.environ.items() if not k.startswith("ONCEFLOW_")} | given,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def json_of(database: str, of: dict[str, str]) -> str:
    return json.dumps(
        {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": database,
            "USER": of.get("user", ""),
            "PASSWORD": of.get("password", ""),
            "HOST": of.get("host", ""),
            "PORT": of.get("port", ""),
        }
    )


def counts(house: House) -> tuple[int, int]:
    """Return how many orders there are, and instances."""
    with psycopg.connect(house.dsn) as conn:
        row = conn.execute(
            "select (select count(*) from shop_order), (select count(*) from onceflow.instances)"
        ).fetchone()
    assert row
    return row


@pytest.mark.parametrize("name", sorted(RUN_WHOLE - {"dead-letters"}))
def test_an_example_runs_as_it_stands(shop: House, tmp_path: Path, name: str) -> None:
    orders, instances = counts(shop)
    said = run(shop, tmp_path, EXAMPLES[name])
    writes = name in ("asyncpg", "psycopg", "sqlalchemy")
    assert counts(shop) == (orders + writes, instances + 1)
    if name == "start":
        assert "started" in said
        assert "'paid': Decimal('12.5')" in said
        assert "exists" in run(shop, tmp_path, EXAMPLES[name])


def test_the_view_of_django(shop: House, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(EXAMPLES["django"], encoding="utf-8")
    orders, instances = counts(shop)
    run(shop, tmp_path, DJANGO)
    assert counts(shop) == (orders + 1, instances + 1)


def test_the_application_of_fastapi(shop: House, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(EXAMPLES["fastapi"], encoding="utf-8")
    run(shop, tmp_path, FASTAPI)


def test_a_dead_letter_is_found_and_redriven(shop: House, tmp_path: Path) -> None:
    with Client(shop.dsn) as client:
        instance = client.start("order", {"customer": "ALFKI", "total": 13}).id
        wait_for_a_letter(client, instance)
        said = run(shop, tmp_path, EXAMPLES["dead-letters"])
        assert "done" in said
        assert client.result(instance) == {"paid": 12.5}


def wait_for_a_letter(client: Client, instance: UUID) -> None:
    wait_until(
        lambda: [each for each in client.dead_letters("order") if each.instance == instance],
        "a dead letter",
    )


def test_every_example_is_run() -> None:
    assert EXAMPLES.keys() == RUN_WHOLE | {"django", "fastapi"}
    assert len(EXAMPLES) == PAGE.read_text(encoding="utf-8").count("```python")
