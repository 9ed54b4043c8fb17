"""Pure values and decisions of delivery: no I/O, no clock."""
