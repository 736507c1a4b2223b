"""The observer: executes one sequence with the telescope and all detectors at once."""

from .agent import Observer

__all__ = ["Observer"]
