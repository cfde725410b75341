"""/audit: who changed what."""

from typing import Final

from ...engine.accounts.roles import Role
from ..operation import Call, Nothing, Operation
from ..reads import audit as reads
from ..schemas.audit import AuditPage, AuditQuery


def list_audit(call: Call[AuditQuery, Nothing]) -> AuditPage:
    """List changes."""
    return reads.list_audit(call.context.database, call.query)


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/audit",
        name="listAudit",
        role=Role.OPERATOR,
        tag="system",
        summary="List who changed what",
        description="Every change but starts, signals and what workers do, the latest first. "
        "`/ui/audit/export?format=csv` (or `ndjson`) has up to 10,000 that match the same filters.",
        handler=list_audit,
        query=AuditQuery,
        answers={200: AuditPage},
    ),
]
