"""The relay: ships the outbox to Kafka, finds lost messages, turns the clock, makes topics."""
