"""The built-in tasks: http.request, sql.execute, smtp.send, kafka.publish, pdf.render.

Importing this module registers them (``onceflow worker --import onceflow.worker.integrations``).
They use nothing that a task of your own could not use; docs/tasks.md is their reference.
"""

from . import http, kafka, pdf, smtp, sql

__all__ = ["http", "kafka", "pdf", "smtp", "sql"]
