"""What we reach: Postgres, Redis, Kafka."""
