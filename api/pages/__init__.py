"""The web pages: rendered here, without build step; scripts only add to them."""

from typing import Final

from starlette.routing import Route

from .audit import send_audit, show_audit
from .config import change_config, show_config
from .dashboard import show_dashboard
from .dead_letters import decide as decide_dead_letters
from .dead_letters import show_dead_letters
from .forms import decide as decide_form
from .forms import show_form, show_forms
from .instances import decide as decide_instance
from .instances import show_instance, show_instances
from .live import LIVE
from .page import page
from .triggers import show_triggers, switch_trigger
from .workers import release, show_workers, switch_queue
from .workflows import show_workflow, show_workflows, switch

PAGES: Final[list[Route]] = [
    page("/", show_dashboard),
    LIVE,
    page("/ui/instances", show_instances),
    page("/ui/instances/{instance}", show_instance),
    page("/ui/instances/{instance}/{decision}", decide_instance, "POST"),
    page("/ui/dead-letters", show_dead_letters),
    page("/ui/dead-letters/{decision}", decide_dead_letters, "POST"),
    page("/ui/forms", show_forms),
    page("/ui/forms/{instance}", show_form),
    page("/ui/forms/{instance}/{decision}", decide_form, "POST"),
    page("/ui/workflows", show_workflows),
    page("/ui/workflows/{workflow}", show_workflow),
    page("/ui/workflows/{workflow}/versions/{version}", show_workflow),
    page("/ui/workflows/{workflow}/{decision}", switch, "POST"),
    page("/ui/triggers", show_triggers),
    page("/ui/triggers/{workflow}/{trigger}/{decision}", switch_trigger, "POST"),
    page("/ui/workers", show_workers),
    page("/ui/queues/{queue}/{decision}", switch_queue, "POST"),
    page("/ui/audit", show_audit),
    page("/ui/audit/export", send_audit),
    page("/ui/config", show_config),
    page("/ui/config/{decision}", change_config, "POST"),
    page("/ui/quarantine/release", release, "POST"),
]
