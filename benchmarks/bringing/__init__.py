"""An import of a file, and what others make of the same file."""
