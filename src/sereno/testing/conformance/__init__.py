"""Is this a good driver, a good device? Rules, each tried against the real thing, and a score."""

from ._kit import Result, Score, conformance
from ._subject import Subject
from ._written import DEVICE_RULES, device_conformance

__all__ = ["DEVICE_RULES", "Result", "Score", "Subject", "conformance", "device_conformance"]
