"""What the gateway reaches: Kafka and Postgres."""
