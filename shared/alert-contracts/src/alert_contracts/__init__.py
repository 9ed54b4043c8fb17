"""What crosses the wire: events, rules, alerts, notifications, topics and ids.

Everything here is published language: additive change only, and every sample ever
published (`tests/golden/`) must parse for ever. Times are integer epoch milliseconds, UTC.
"""
