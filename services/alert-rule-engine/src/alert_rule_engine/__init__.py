"""Counts the events that rules watch, and says when that is an alert."""
