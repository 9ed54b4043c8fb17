"""Use cases: ask the ports, let the domain decide, act."""
