"""The relay: turns the clock; over Kafka it ships the outbox, finds lost messages, makes topics."""
