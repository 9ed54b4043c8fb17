"""A laboratory for the rule engine alone: a real Kafka, real workers, load, faults, an oracle."""
