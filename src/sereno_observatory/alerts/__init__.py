"""Alerts: VOEvents, the protocol that carries them, and a broker that simulates an alert network."""
