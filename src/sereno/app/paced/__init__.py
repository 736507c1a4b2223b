"""A plant on a clock of its own in one process: hours pass in minutes, and nothing is late because the machine is."""
