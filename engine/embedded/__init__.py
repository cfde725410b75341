"""Real servers without Docker: PostgreSQL and a Kafka-compatible broker out of wheels."""
