"""The reader: asks for the latest value of a sensor, or gets every one, and draws the last ones."""
