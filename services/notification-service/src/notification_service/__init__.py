"""Delivers notifications to Slack, mail, PagerDuty and webhooks, and says what became of each."""
