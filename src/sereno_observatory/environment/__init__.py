"""The environment agent: what the sensors say together, what it means, and whether to act."""

from .agent import Environment

__all__ = ["Environment"]
