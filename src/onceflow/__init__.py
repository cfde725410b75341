"""Onceflow: a distributed workflow engine on PostgreSQL and Kafka with exactly-once effects."""
