"""Pure: what an event and a rule may look like, and what they become. No I/O, no clock."""
