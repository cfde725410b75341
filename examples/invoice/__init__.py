"""The invoice example: real orders become invoices, PDFs and e-mails, each exactly once.

``shop`` and ``mail_catcher`` are the world outside; ``tasks``, ``order-invoice.yaml`` and
``batch-invoices.yaml`` are what a user of Onceflow writes, and ``command`` is ``onceflow demo``,
which runs it all and checks the world afterwards.
"""
