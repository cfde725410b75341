"""(i) The invoice workflow with its real tasks: HTTP, Postgres, PDF, SMTP; without planned faults.

A run is one instance for each customer who has orders, all started at once. The shop sells each
customer's orders once, so each run has a shop of its own.
"""

import sys
import tempfile
import time
from pathlib import Path

from onceflow.engine.calls import register_workflow, start_instances
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.dev.postgres import free_port
from onceflow.engine.dev.supervisor import listens
from onceflow.engine.json_text import Json
from onceflow.examples.invoice.northwind import load_customers
from onceflow.examples.invoice.plan import WORKFLOW
from onceflow.examples.invoice.tables import make_tables
from onceflow.examples.invoice.tasks import PDF_FOLDER

from ..bench import Bench
from ..bulk import expect_success
from ..costs import per, spent
from ..deployment import HAND_OFF, Deployment, deployed
from ..figures import Figures, latencies, medians
from ..results import Result

TITLE = "the invoice workflow with its real tasks, all customers at once"
EXAMPLE = "onceflow.examples.invoice"
DEFINITION = Path(__file__).parents[2] / "examples" / "invoice" / "order-invoice.yaml"
MODULES = ("onceflow.worker.integrations", f"{EXAMPLE}.tasks")
STEPS = 4
CONCURRENCY = 10
"""Handlers of a worker: its default, since these tasks are not no-ops."""


def run(bench: Bench) -> None:
    """Run all customers once a run, on one deployment."""
    customers = [customer for customer in load_customers() if customer.orders]
    result = Result("i", "onceflow hand-off", f"{len(customers)} at once", [])
    runs: list[Figures] = []
    costs: list[Figures] = []
    with (
        tempfile.TemporaryDirectory(prefix="onceflow-bench-") as name,
        bench.servers.database() as dsn,
        deployed(bench.servers, HAND_OFF, bench.options, dsn) as deployment,
    ):
        folder = Path(name)
        make_tables(deployment.settings)
        compiled = compile_definition(parse(DEFINITION.read_text(), "yaml"))
        register_workflow(deployment.conn, compiled)
        port = _start_mail(deployment, folder)
        deployment.start_relay()
        env = {
            PDF_FOLDER: str(folder / "pdf"),
            "ONCEFLOW_SMTP": f"127.0.0.1:{port}",
            "ONCEFLOW_FILES": str(folder),  # from where e-mails may attach
        }
        deployment.start_workers(concurrency=CONCURRENCY, modules=MODULES, env=env)
        beat = bench.bar(f"(i) {result.load}", bench.options.runs + 1)
        for number in range(bench.options.runs + 1):
            shop = _start_shop(deployment, folder, number)
            inputs: list[Json] = [
                {"shop": shop, "customer": customer.id, "email": customer.email}
                for customer in customers
            ]
            figures, cost = _once(deployment, inputs)
            if number:  # the first one warms up: fonts, connections, plans
                runs.append(figures)
                costs.append(cost)
            beat(number + 1)
        expect_success(deployment, len(customers) * (bench.options.runs + 1))
        result.counters = deployment.counters()
    result.runs, result.per_step = runs, medians(costs)
    bench.add(result)


def _once(deployment: Deployment, inputs: list[Json]) -> tuple[Figures, Figures]:
    conn = deployment.conn
    before, began = deployment.marks(), time.monotonic()
    started = start_instances(conn, WORKFLOW, inputs)
    deployment.wait_for_end()
    seconds, after = time.monotonic() - began, deployment.marks()
    rows = conn.execute(
        "select extract(epoch from ended_at - started_at)::float"
        " from onceflow.instance where id = any (%s)",
        ([instance.instance_id for instance in started],),
    ).fetchall()
    steps = len(inputs) * STEPS
    figures = {"instances/s": len(inputs) / seconds, "steps/s": steps / seconds}
    figures |= latencies([row[0] for row in rows])
    return figures, per(spent(before, after), steps)


def _start_shop(deployment: Deployment, folder: Path, number: int) -> str:
    port = free_port()
    argv = [f"--port={port}", f"--ledger={folder / f'shop-{number}.jsonl'}"]
    _start(deployment, f"shop-{number}", "shop", argv, port)
    return f"http://127.0.0.1:{port}"


def _start_mail(deployment: Deployment, folder: Path) -> int:
    port = free_port()
    argv = [f"--port={port}", f"--mailbox={folder / 'mail'}"]
    _start(deployment, "mail", "mail_catcher", argv, port)
    return port


def _start(deployment: Deployment, name: str, module: str, argv: list[str], port: int) -> None:
    command = [sys.executable, "-P", "-m", f"{EXAMPLE}.{module}", *argv]
    deployment.start_program(name, command)
    deployment.wait_until(lambda: listens("127.0.0.1", port), f"the {name} to answer", 30)
