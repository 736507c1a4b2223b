"""Aggregates of one tag in the buckets of a calendar."""
