"""Simulated sensors that send datagrams."""
