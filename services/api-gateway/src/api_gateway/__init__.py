"""Takes logs in and puts them on Kafka; keeps the alert rules and publishes them."""
