"""Pure: what counts, when it fires, when it is over. No I/O, no clock: time is an argument."""
