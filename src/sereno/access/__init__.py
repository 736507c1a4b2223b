"""Actors, roles, permissions, sessions, the default-deny entry table."""
