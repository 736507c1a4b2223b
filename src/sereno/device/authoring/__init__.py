"""Writing a device: a class with typed tags, commands and settings, and what makes a driver of it."""
