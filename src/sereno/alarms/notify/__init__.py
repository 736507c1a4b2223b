"""Notices: who is told of an alarm, when and by which way, and what became of it."""
