"""The robotic observatory: an application on Sereno's public names."""
