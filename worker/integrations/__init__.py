"""The built-in tasks: http.request, sql.execute, smtp.send, kafka.publish, pdf.render.

Importing this module registers them (``onceflow worker --import onceflow.worker.integrations``).
They use nothing that a task of your own could not use; docs/tasks.md is their reference.
"""

import importlib
import logging

from ...engine.extras import MissingExtra, how_to, told_by_name
from . import http, kafka, sql

__all__ = ["http", "kafka", "sql"]

log = logging.getLogger("onceflow.worker")

for _module, _task in (("smtp", "smtp.send"), ("pdf", "pdf.render")):
    try:
        with told_by_name():
            importlib.import_module(f"{__name__}.{_module}")
    except MissingExtra as _missing:
        log.info("%s is not served here: %s", _task, how_to(_missing.package))
