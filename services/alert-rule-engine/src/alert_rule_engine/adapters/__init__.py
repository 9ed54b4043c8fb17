"""What we reach: Kafka topics, and the table whose changelog keeps the state."""
