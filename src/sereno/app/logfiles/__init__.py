"""Log files: numbered, never renamed and never truncated, so that whoever reads them misses no line."""
