"""Sereno: supervisory control and data acquisition in Python."""
