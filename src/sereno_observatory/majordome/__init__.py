"""The majordome agent: when the night begins and ends, and when the dome is opened and closed."""

from .agent import Majordome

__all__ = ["Majordome"]
