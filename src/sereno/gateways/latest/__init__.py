"""The latest server: one byte asks for the latest value of a sensor, as small readers do."""
