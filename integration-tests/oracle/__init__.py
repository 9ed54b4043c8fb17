"""Decides, from what was accepted and the rules, what the rule engine must have said.

Independent of the engine: the standard library, the JSON of events, rules and alerts, and nothing
else. It is written for being right at first sight, not for speed.
"""
