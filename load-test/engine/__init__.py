"""Measures the rule engine from a full topic, beside peers on the same topic, rules and cores."""
