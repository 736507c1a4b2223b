"""Simulated gateways: small computers that answer HTTP for the PLC beside them."""
