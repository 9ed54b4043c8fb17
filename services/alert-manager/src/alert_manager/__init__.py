"""Decides what deserves a person: deduplicates, keeps the history, routes."""
