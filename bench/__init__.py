"""Onceflow's load: what it does on durable servers, what each step of it costs, and what others do.

Run it from the root of the repository: ``make bench`` (bench/README.md tells how).
"""
