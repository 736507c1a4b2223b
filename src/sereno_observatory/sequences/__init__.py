"""Sequences: what is to be observed, how it fares, and what was taken. The first form of a plan."""

from .agent import Sequences
from .model import Album, Entry, Frame, Image, Plan, Sequence, Slot, Target
from .reading import read_sequences
from .status import Event, Status

__all__ = [
    "Album",
    "Entry",
    "Event",
    "Frame",
    "Image",
    "Plan",
    "Sequence",
    "Sequences",
    "Slot",
    "Status",
    "Target",
    "read_sequences",
]
