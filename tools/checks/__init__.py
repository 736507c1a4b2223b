"""The project's own checks: each a pure function from a source file to findings."""
