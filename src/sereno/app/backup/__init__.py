"""A whole installation as one file, and back."""
