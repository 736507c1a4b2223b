"""Simulated plants and servers that speak the real protocols."""
