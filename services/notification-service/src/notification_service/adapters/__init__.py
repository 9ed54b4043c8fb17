"""What delivery reaches: Postgres, Kafka, Redis, and the third parties themselves."""
