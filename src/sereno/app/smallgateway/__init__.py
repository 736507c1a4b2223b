"""A gateway beside a PLC: devices, and what serves them by HTTP, without the rest of a node."""
