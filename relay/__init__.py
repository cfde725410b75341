"""Ships outbox rows to Kafka, finds lost messages and turns the clock."""
