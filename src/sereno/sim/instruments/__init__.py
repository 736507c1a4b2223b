"""Simulated instruments: pure models on an injected clock and seeded randomness, and what serves them."""
