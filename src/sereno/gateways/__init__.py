"""Our tags and commands for others, each gateway in its own protocol."""
