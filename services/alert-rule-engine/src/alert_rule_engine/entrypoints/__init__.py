"""What wakes us: records of log-events, of rule-partials, of alert-rules, and the clock."""
