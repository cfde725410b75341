"""A family of instances, for the tests of what shows it: a sale whose step ships, by a child."""

from typing import Any, NamedTuple
from uuid import UUID

from onceflow.engine.calls import apply_deliveries, register_workflow, start_instances
from onceflow.engine.definition import compile_definition

from ..sql.play import Connection

SHIP: dict[str, Any] = {
    "name": "ship",
    "input": {"type": "object"},
    "steps": [{"id": "pack", "task": "shop.pay"}],
}
SELL: dict[str, Any] = {
    "name": "sell",
    "steps": [{"id": "ship", "workflow": "ship"}, {"id": "mail", "task": "shop.pay"}],
}


class FamilyIds(NamedTuple):
    """A parent and its child."""

    parent: str
    child: str


def begin_family(conn: Connection) -> FamilyIds:
    """Start a sale, and deliver to its child that it is to start."""
    for definition in (SHIP, SELL):
        register_workflow(conn, compile_definition(definition))
    (sale,) = start_instances(conn, "sell", [{}])
    while apply_deliveries(conn, 100):
        pass
    row = conn.execute(
        "select id from onceflow.instances where parent_id = %s", (sale.instance_id,)
    ).fetchone()
    assert row
    child: UUID = row[0]
    return FamilyIds(str(sale.instance_id), str(child))
