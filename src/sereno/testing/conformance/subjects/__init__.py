"""Subjects of the built-in drivers, for `sereno driver check`."""
