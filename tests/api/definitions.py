"""Workflow definitions that the tests register."""

from typing import Any

# Two steps; the second has an input of its own and may fail.
ORDER = """
name: order
on_failure: fail
search: [$.input.customer]
input:
  type: object
  required: [customer, total]
  properties:
    customer: {type: string, minLength: 1}
    total: {type: number, minimum: 0}
steps:
  - id: reserve
    task: shop.reserve
    with: {customer: $.input.customer}
  - id: pay
    task: shop.pay
    with: {amount: $.input.total}
    on_failure: suspend
output: {paid: $.steps.pay.output.amount}
"""

# An instance of a set that has nothing to say.
ITEM: dict[str, Any] = {}

# One step that needs nothing.
ONE = """
name: one
steps:
  - {id: only, task: test.only}
"""

# Entries of `on` of two kinds.
NIGHTLY = """
name: night
on:
  - id: daily
    schedule: {cron: "30 6 * * *", timezone: Europe/Warsaw, jitter: 1m}
  - {id: often, schedule: {every: 1m}}
  - {id: open, webhook: {signature: none}}
steps:
  - {id: only, task: test.only}
"""
