"""What wakes delivery: orders from Kafka, work that is due, and HTTP requests."""
