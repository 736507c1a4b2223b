"""The composition root: plant file -> objects -> run; and the CLI."""
