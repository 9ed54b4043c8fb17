"""What wakes the gateway: HTTP requests, and a timer for rules not yet published."""
