"""What wakes us: records, requests, timers."""
