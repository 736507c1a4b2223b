"""A simulated PLC of an observatory that speaks JSON over TCP."""
