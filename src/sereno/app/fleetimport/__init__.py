"""The JSON configuration of the first watchdog of a fleet, made a plant."""
