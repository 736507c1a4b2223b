"""Rain to close command: the site of the bench, and the situations that it is measured in."""
