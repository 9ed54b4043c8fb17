"""What every process needs and no process should write twice. Knows no alert."""
