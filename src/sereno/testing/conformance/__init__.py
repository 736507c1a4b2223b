"""Is this a good driver? A list of rules, each tried against the driver's own protocol, and a score."""

from ._kit import Result, Score, conformance
from ._subject import Subject

__all__ = ["Result", "Score", "Subject", "conformance"]
