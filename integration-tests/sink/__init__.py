"""A stand-in for Slack, PagerDuty, a webhook receiver and a mail server that fails on command."""
