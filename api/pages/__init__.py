"""The web pages: rendered here, without build step; scripts only add to them."""

from typing import Final

from ...engine.accounts.roles import Role
from .audit import send_audit, show_audit
from .config import change_config, show_config
from .dashboard import show_dashboard
from .dead_letters import decide as decide_dead_letters
from .dead_letters import show_dead_letters
from .forms import decide as decide_form
from .forms import show_form, show_forms
from .instances import decide as decide_instance
from .instances import show_instance, show_instances
from .keys import change_keys, show_keys
from .live import LIVE
from .page import PageRoute, page
from .people import change_people, show_people
from .start import show_start, start
from .triggers import show_triggers, switch_trigger
from .workers import release, show_workers, switch_queue
from .workflows import show_workflow, show_workflows, switch

ON_INSTANCES: Final = {
    "signal": Role.STARTER,
    "cancel": Role.OPERATOR,
    "suspend": Role.OPERATOR,
    "resume": Role.OPERATOR,
    "erase": Role.OPERATOR,
    "label": Role.OPERATOR,
}
ON_FORMS: Final = {
    "answer": Role.STARTER,
    "claim": Role.STARTER,
    "release": Role.STARTER,
    "reassign": Role.OPERATOR,
}
PAGES: Final[list[PageRoute]] = [
    page("/", show_dashboard, roles=Role.VIEWER),
    LIVE,
    page("/ui/instances", show_instances, roles=Role.VIEWER),
    page("/ui/instances/{instance}", show_instance, roles=Role.VIEWER),
    page("/ui/instances/{instance}/{decision}", decide_instance, "POST", ON_INSTANCES),
    page("/ui/dead-letters", show_dead_letters, roles=Role.VIEWER),
    page("/ui/dead-letters/{decision}", decide_dead_letters, "POST", Role.OPERATOR),
    page("/ui/forms", show_forms, roles=Role.VIEWER),
    page("/ui/forms/{instance}", show_form, roles=Role.VIEWER),
    page("/ui/forms/{instance}/{decision}", decide_form, "POST", ON_FORMS),
    page("/ui/workflows", show_workflows, roles=Role.VIEWER),
    page("/ui/workflows/{workflow}", show_workflow, roles=Role.VIEWER),
    page("/ui/workflows/{workflow}/versions/{version}", show_workflow, roles=Role.VIEWER),
    page("/ui/workflows/{workflow}/start", show_start, roles=Role.STARTER),
    page("/ui/workflows/{workflow}/start", start, "POST", Role.STARTER),
    page("/ui/workflows/{workflow}/{decision}", switch, "POST", Role.OPERATOR),
    page("/ui/triggers", show_triggers, roles=Role.VIEWER),
    page("/ui/triggers/{workflow}/{trigger}/{decision}", switch_trigger, "POST", Role.OPERATOR),
    page("/ui/workers", show_workers, roles=Role.VIEWER),
    page("/ui/queues/{queue}/{decision}", switch_queue, "POST", Role.OPERATOR),
    page("/ui/audit", show_audit, roles=Role.OPERATOR),
    page("/ui/audit/export", send_audit, roles=Role.OPERATOR),
    page("/ui/config", show_config, roles=Role.VIEWER),
    page("/ui/config/{decision}", change_config, "POST", Role.DEPLOYER),
    page("/ui/keys", show_keys, roles=Role.ADMIN),
    page("/ui/keys/{decision}", change_keys, "POST", Role.ADMIN),
    page("/ui/people", show_people, roles=Role.ADMIN),
    page("/ui/people/{decision}", change_people, "POST", Role.ADMIN),
    page("/ui/quarantine/release", release, "POST", Role.OPERATOR),
]
